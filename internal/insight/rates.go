package insight

import (
	"math"

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

// Rates are those of a load that restores a scheduler whose numbers the code gives, together with its optimizer; scheduler is
// its name. They are empty where anything is not known, or the scheduler counts something else than epochs.
func (l Load) Rates() (scheduler string, rates []Rate) {
	var optimizer bool
	var o *training.Object
	for _, x := range l.Agreement.Load.Restores {
		switch {
		case x.Absent || x.Object == nil:
		case x.Object.Kind == training.Optimizer:
			optimizer = true
		case x.Object.Kind == training.Scheduler && o == nil:
			o, scheduler = x.Object, x.Recv.Text()
		}
	}
	if o == nil || !optimizer {
		return "", nil
	}
	s, base, ok := l.File.Schedule(o)
	last, counted := l.epochs(o)
	if !ok || !counted {
		return "", nil
	}
	return scheduler, shown(s, base, last)
}

// epochs is the number of epochs of the loop that the scheduler steps in; ok is false where it does not step once an epoch.
func (l Load) epochs(o *training.Object) (last int, ok bool) {
	const unbounded = 100
	for _, step := range l.Agreement.Load.Run.Steps {
		if step.Object.Kind != training.Scheduler || !step.Object.Same(o) {
			continue
		}
		for _, loop := range l.Agreement.Load.Run.Loops {
			if loop.Epoch() && step.DirectlyIn(loop) {
				n := l.File.Eval.Eval(loop.Stop, loop.Ctx)
				if loop.Stop.Valid() && n.Kind == pysem.Int && n.Int > 0 {
					return int(n.Int), true
				}
				return unbounded, true
			}
		}
		return 0, false
	}
	return 0, false
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
