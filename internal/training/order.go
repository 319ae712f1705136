package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// StepAfter is the scheduler's step() that follows the save in the same round of the epoch loop, nil when the scheduler steps
// before the save, in an inner loop, by explicit epoch, or not at all.
func (s *SaveSite) StepAfter() *Step { return s.stepAfter(false) }

// ToldAfter is StepAfter of a scheduler that is told the epoch, `step(epoch)`.
func (s *SaveSite) ToldAfter() *Step { return s.stepAfter(true) }

func (s *SaveSite) stepAfter(told bool) *Step {
	if s.EpochLoop == nil || s.Loop != s.EpochLoop {
		return nil
	}
	var after *Step
	for _, st := range s.Run.Steps {
		if st.Object.Kind != Scheduler || !s.EpochLoop.Holds(st.Index) || st.Explicit != told || st.Foreign {
			continue
		}
		if innermostLoop(st.Frame) != innermostLoop(s.Frame) {
			return nil
		}
		if st.Index < s.Index {
			return nil
		}
		if after == nil {
			after = st
		}
	}
	return after
}

// BestAfter is the best metric that the save writes before the evaluation of the same round updates it, nil where it is updated first, in
// another loop, or not at all, and where the same file is written again with the update in it.
func (s *SaveSite) BestAfter() *Best {
	best := s.BestMetric()
	if best == nil || s.BestOnly() {
		return nil
	}
	after := false
	for i, ev := range s.Run.Events {
		if ev.Kind != pysem.EventAssign || ev.Node != best.Assign {
			continue
		}
		if i < s.Index || innermostLoop(ev.Frame) != innermostLoop(s.Frame) || s.Run.File.Exclusive(ev.Frame, s.Frame) || s.renewed(best, i) {
			return nil
		}
		after = true
	}
	if !after {
		return nil
	}
	return best
}

// renewed reports whether a later save of the same file in the round holds a best metric wherever that is updated by an event of the run.
func (s *SaveSite) renewed(best *Best, update int) bool {
	ev := s.Run.Events[update]
	return slices.ContainsFunc(s.Run.Saves, func(o *SaveSite) bool {
		return o.Index > update && innermostLoop(o.Frame) == innermostLoop(ev.Frame) && Implied(o.Frame, ev.Frame) && SamePath(o.Path, s.Path) && len(o.BestParts(best)) > 0
	})
}

func innermostLoop(fr *pysem.Frame) *pysem.Frame {
	for ; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameLoop {
			return fr
		}
	}
	return nil
}

// StepsAfterLoad says that the scheduler makes the missing step between the load and the training loop.
func (s *SaveSite) StepsAfterLoad(l *LoadSite, o *Object) bool {
	if l == nil || l.Run != s.Run {
		return false
	}
	for _, st := range s.Run.Steps {
		if st.Object.Kind == Scheduler && st.Object.Same(o) && l.Index < st.Index && st.Index < s.Loop.Outer().First {
			return true
		}
	}
	return false
}

// DirectlyIn says that a step happens once in each round of a loop, not in a loop inside it.
func (st *Step) DirectlyIn(l *Loop) bool {
	fr := innermostLoop(st.Frame)
	return fr != nil && fr.Node == l.Node
}
