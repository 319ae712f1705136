package insight

import (
	"math"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// mostRates is how many rates are shown.
const mostRates = 6

// Rate is the learning rate with which a run goes on that is resumed behind so many completed epochs.
type Rate struct {
	Done int
	LR   float64
}

// Rates are those of a load that restores the only scheduler, whose numbers the code gives, into the optimizer it was built on;
// scheduler is its name. They are empty where anything is not known: the scheduler steps otherwise than once an epoch, or a save may
// come before its step.
func (l Load) Rates() (scheduler string, rates []Rate) {
	load := l.Agreement.Load
	var o *training.Object
	var optimizer *training.Restore
	for _, x := range load.Restores {
		switch {
		case x.Absent || x.Object == nil:
		case x.Object.Kind == training.Optimizer:
			optimizer = x
		case x.Object.Kind == training.Scheduler && o != nil:
			return "", nil // what they come to together is not known
		case x.Object.Kind == training.Scheduler:
			o, scheduler = x.Object, x.Recv.Text()
		}
	}
	if o == nil || optimizer == nil || !builtBefore(o, optimizer) || !l.savedBehind(o) {
		return "", nil
	}
	s, base, ok := l.File.Schedule(o)
	last, counted := l.epochs(o)
	if !ok || !counted {
		return "", nil
	}
	return scheduler, shown(s, base, last)
}

// builtBefore reports whether a scheduler is built before the optimizer is restored: building it sets the optimizer's rate.
func builtBefore(o *training.Object, optimizer *training.Restore) bool {
	at := slices.IndexFunc(optimizer.Run.Events, func(ev pysem.Event) bool { return ev.Node == o.Call })
	return o.Call.Valid() && at >= 0 && at < optimizer.Index
}

// savedBehind reports whether all saves that the load may read come behind the scheduler's step for the epoch, or the step is made
// up for.
func (l Load) savedBehind(o *training.Object) bool {
	return len(l.Agreement.Saves) > 0 && !slices.ContainsFunc(l.Agreement.Saves, func(s *training.SaveSite) bool {
		return s.EpochLoop == nil || s.Loop != s.EpochLoop || s.StepAfter() != nil && !s.StepsAfterLoad(l.Agreement.Load, o)
	})
}

// epochs is the number of epochs of the loop that the scheduler steps in; ok is false where it does not step once in each, or another
// scheduler steps too.
func (l Load) epochs(o *training.Object) (last int, ok bool) {
	const unbounded = 100
	for _, step := range l.Agreement.Load.Run.Steps {
		if step.Object.Kind != training.Scheduler {
			continue
		}
		if ok || !step.Object.Same(o) || step.Explicit {
			return 0, false
		}
		at := slices.IndexFunc(l.Agreement.Load.Run.Loops, func(loop *training.Loop) bool { return loop.Epoch() && step.DirectlyIn(loop) })
		if at < 0 || step.Frame.Kind != pysem.FrameLoop {
			return 0, false
		}
		loop := l.Agreement.Load.Run.Loops[at]
		last, ok = unbounded, true
		if n := l.File.Eval.Eval(loop.Stop, loop.Ctx); loop.Stop.Valid() && n.Kind == pysem.Int && n.Int > 0 {
			last = int(n.Int)
		}
	}
	return last, ok
}

// shown are the epochs in which the rate changes where they are few, else some at even distances.
func shown(s torch.Schedule, base float64, last int) []Rate {
	rates := []Rate{{0, s.LR(base, 0)}}
	for done := 1; done < last; done++ {
		lr := s.LR(base, done)
		if math.IsNaN(lr) {
			last = done
			break
		}
		if math.Abs(lr-rates[len(rates)-1].LR) > 1e-12*math.Abs(lr) {
			rates = append(rates, Rate{done, lr})
		}
	}
	if len(rates) <= mostRates {
		return rates
	}
	rates = rates[:0]
	for i := range mostRates {
		done := i * (last - 1) / (mostRates - 1)
		rates = append(rates, Rate{done, s.LR(base, done)})
	}
	return rates
}
