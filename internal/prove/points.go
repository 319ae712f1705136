package prove

import (
	"fmt"
	"slices"
)

// Place says where in the training a run is killed.
type Place string

// The places. A resume that holds at one need not hold at another: what is saved at the end of an epoch does not tell how far inside the
// next one a run was.
const (
	AtBorder     Place = "at an epoch's border"
	Inside       Place = "inside an epoch"
	Accumulating Place = "between the optimizer steps of an accumulation"
	Rotating     Place = "during a rotation"
	BetweenSteps Place = "between two optimizer steps" // where no loader tells of epochs
)

// NotTried is a place at which nothing was killed, and why.
type NotTried struct {
	Place Place  `json:"place"`
	Why   string `json:"why"`
}

// point is where a run is killed: after so many saves, which are the numberth of all checkpoints, or right after a file operation.
type point struct {
	place      Place
	number, of int
	step       int
	kill       kill
	op         event
}

func (p point) String() string {
	if p.kill.After {
		return fmt.Sprintf("killed right after %s", p.op.done())
	}
	return fmt.Sprintf("killed after checkpoint %d of %d", p.number, p.of)
}

// done says what a file operation did.
func (e event) done() string {
	if e.What == "rename" {
		return fmt.Sprintf("%s was renamed to %s%s", e.Path, e.Target, at(e.At))
	}
	return fmt.Sprintf("%s was deleted%s", e.Path, at(e.At))
}

// points are where to kill a run: after the checkpoint that was asked for, else after one of each place, those nearest the middle of the
// run, and inside a rotation. Saves at one step are one checkpoint.
func (s *session) points(l *runLog) ([]point, []NotTried, error) {
	saves := l.checkpoints()
	if len(saves) == 0 {
		return nil, nil, fmt.Errorf("%w: torch.save was not called after a step", ErrNoCheckpoint)
	}
	var ends []point // those after which more steps follow
	number := 0
	for i, e := range saves {
		if i+1 < len(saves) && saves[i+1].Step == e.Step && len(saves[i+1].Backwards) == len(e.Backwards) {
			continue
		}
		number++
		if e.Step < len(l.steps) {
			ends = append(ends, point{place: l.place(e), number: number, step: e.Step, kill: kill{Save: i + 1}})
		}
	}
	if len(ends) == 0 {
		return nil, nil, fmt.Errorf("%w before the last step: a run that is done cannot be resumed", ErrNoCheckpoint)
	}
	for i := range ends {
		ends[i].of = number
	}
	if n := s.options.Checkpoint; n > 0 {
		if n > len(ends) {
			return nil, nil, fmt.Errorf("checkpoint %d: expected one of the %d that more steps follow", n, len(ends))
		}
		return ends[n-1 : n], nil, nil
	}
	if s.base == "" { // each kill would find what the one before has left
		return []point{middle(ends, l)}, nil, nil
	}
	var out []point
	var not []NotTried
	for _, place := range []Place{BetweenSteps, AtBorder, Inside, Accumulating} {
		there := slices.DeleteFunc(slices.Clone(ends), func(p point) bool { return p.place != place })
		switch {
		case len(there) > 0:
			out = append(out, middle(there, l))
		case place == Accumulating && !l.accumulates(), place == BetweenSteps, place != Accumulating && ends[0].place == BetweenSteps:
		default:
			not = append(not, NotTried{place, "no checkpoint is written there"})
		}
	}
	if r := l.rotations(); len(r) > 0 {
		p := middle(r, l)
		p.of = number
		out = append(out, p)
	}
	return out, not, nil
}

// middle is the point nearest the middle of a run.
func middle(ps []point, l *runLog) point {
	return slices.MinFunc(ps, func(a, b point) int { return distance(a.step, len(l.steps)/2) - distance(b.step, len(l.steps)/2) })
}

func distance(a, b int) int { return max(a-b, b-a) }

// place is where in the training a checkpoint is written after which more steps follow.
func (l *runLog) place(save event) Place {
	before, next := l.steps[save.Step-1], l.steps[save.Step]
	switch {
	case len(save.Backwards) > 0:
		return Accumulating
	case before.Epoch == 0 || next.Epoch == 0:
		return BetweenSteps
	case before.Epoch == next.Epoch:
		return Inside
	}
	return AtBorder
}

// accumulates reports whether a step takes the gradients of several backward passes.
func (l *runLog) accumulates() bool {
	return slices.ContainsFunc(l.steps, func(e event) bool { return len(e.Backwards) > 1 })
}

// rotations are the moments after which a checkpoint of an earlier step has just gone: deleted, or renamed to make room.
func (l *runLog) rotations() []point {
	var out []point
	l.lies(func(e event, lies []lying) {
		if e.What != "remove" && e.What != "rename" || e.Step >= len(l.steps) {
			return
		}
		for _, f := range lies {
			if f.path == e.Path && f.step < e.Step {
				out = append(out, point{place: Rotating, step: e.Step, op: e, kill: kill{Op: e.Op, After: true}})
			}
		}
	})
	return out
}
