package torch

import (
	"math"
	"slices"
	"strings"
)

// Schedule is a learning-rate schedule with all its arguments known. LR is its closed form; Next its recursion, which is what
// scheduler.step() computes from the optimizer's present rate and what a rebuilt scheduler therefore does after a resume.
// Both follow torch/optim/lr_scheduler.py; TestSchedules compares them with values that torch printed. They give NaN where torch
// raises or where its rate is not known here; FirstDifference does not tell NaN from anything.
type Schedule interface {
	// LR is the rate in epoch t (from 0) of an uninterrupted run that began at base.
	LR(base float64, t int) float64
	// Next is the rate after the step that makes the scheduler's count t, when the rate was lr before.
	Next(base, lr float64, t int) float64
}

// Arg is one constant argument of a scheduler's construction.
type Arg struct {
	Number float64
	List   []float64
	Text   string
	Bool   bool
}

// parameters are the schedulers' parameters behind the optimizer, in order, with torch's defaults; nil means required.
var parameters = map[string][]struct {
	name     string
	fallback *Arg
}{
	"StepLR":                      {{"step_size", nil}, {"gamma", number(0.1)}},
	"MultiStepLR":                 {{"milestones", nil}, {"gamma", number(0.1)}},
	"ExponentialLR":               {{"gamma", nil}},
	"CosineAnnealingLR":           {{"T_max", nil}, {"eta_min", number(0)}},
	"LinearLR":                    {{"start_factor", number(1.0 / 3)}, {"end_factor", number(1)}, {"total_iters", number(5)}},
	"ConstantLR":                  {{"factor", number(1.0 / 3)}, {"total_iters", number(5)}},
	"PolynomialLR":                {{"total_iters", number(5)}, {"power", number(1)}},
	"CosineAnnealingWarmRestarts": {{"T_0", nil}, {"T_mult", number(1)}, {"eta_min", number(0)}},
	"OneCycleLR": {{"max_lr", nil}, {"total_steps", number(-1)}, {"epochs", number(-1)}, {"steps_per_epoch", number(-1)}, {"pct_start", number(0.3)},
		{"anneal_strategy", &Arg{Text: "cos"}}, {"cycle_momentum", &Arg{Bool: true}}, {"base_momentum", number(0.85)}, {"max_momentum", number(0.95)},
		{"div_factor", number(25)}, {"final_div_factor", number(1e4)}, {"three_phase", &Arg{}}},
	"CyclicLR": {{"base_lr", nil}, {"max_lr", nil}, {"step_size_up", number(2000)}, {"step_size_down", number(-1)}, {"mode", &Arg{Text: "triangular"}},
		{"gamma", number(1)}, {"scale_fn", &Arg{}}, {"scale_mode", &Arg{Text: "cycle"}}, {"cycle_momentum", &Arg{Bool: true}}, {"base_momentum", number(0.8)},
		{"max_momentum", number(0.9)}},
}

func number(x float64) *Arg { return &Arg{Number: x} }

// Parameters are the names of a scheduler's parameters behind the optimizer, in order; nil for schedulers whose rate is not
// computed here.
func Parameters(class string) []string {
	var names []string
	for _, p := range parameters[short(class)] {
		names = append(names, p.name)
	}
	return names
}

func short(class string) string { return class[strings.LastIndexByte(class, '.')+1:] }

// NewSchedule makes a schedule from the arguments that are given; the others have torch's defaults. ok is false for unknown
// classes, missing required arguments, and arguments that torch refuses or for which its recursion leaves the closed form.
func NewSchedule(class string, given map[string]Arg) (s Schedule, ok bool) {
	args := map[string]Arg{}
	list := parameters[short(class)]
	if list == nil {
		return nil, false
	}
	for _, p := range list {
		a, has := given[p.name]
		if !has {
			if p.fallback == nil {
				return nil, false
			}
			a = *p.fallback
		}
		if !fits(p.name, a) {
			return nil, false
		}
		args[p.name] = a
	}
	n := func(name string) float64 { return args[name].Number }
	i := func(name string) int { return int(args[name].Number) }
	switch short(class) {
	case "StepLR":
		return stepLR{i("step_size"), n("gamma")}, i("step_size") > 0
	case "MultiStepLR":
		var at []int
		for _, m := range args["milestones"].List {
			if m < 0 {
				return nil, false // the closed form decays there, the recursion never comes by
			}
			if m == math.Trunc(m) { // a count never equals 12.5
				at = append(at, int(m))
			}
		}
		slices.Sort(at)
		return multiStepLR{at, n("gamma")}, true
	case "ExponentialLR":
		return stepLR{1, n("gamma")}, true
	case "CosineAnnealingLR":
		return cosineLR{n("T_max"), n("eta_min")}, n("T_max") > 0
	case "LinearLR":
		return linearLR{n("start_factor"), n("end_factor"), i("total_iters")},
			i("total_iters") > 0 && n("start_factor") > 0 && n("start_factor") <= 1 && n("end_factor") >= 0 && n("end_factor") <= 1
	case "ConstantLR":
		return constantLR{n("factor"), i("total_iters")}, i("total_iters") > 0 && n("factor") > 0 && n("factor") <= 1
	case "PolynomialLR":
		return polynomialLR{i("total_iters"), n("power")}, i("total_iters") > 0 && n("power") >= 0
	case "CosineAnnealingWarmRestarts":
		return restartsLR{i("T_0"), i("T_mult"), n("eta_min")}, i("T_0") > 0 && i("T_mult") > 0
	case "OneCycleLR":
		total := i("total_steps")
		if total < 0 {
			total = i("epochs") * i("steps_per_epoch")
			if i("epochs") < 0 || i("steps_per_epoch") < 0 {
				return nil, false
			}
		}
		three := args["three_phase"].Bool || n("three_phase") != 0
		if total < 2 || n("pct_start") < 0 || n("pct_start") > 1 {
			return nil, false
		}
		c := oneCycle(n("max_lr"), total, n("pct_start"), args["anneal_strategy"].Text == "linear", n("div_factor"), n("final_div_factor"), three)
		return c, !math.IsNaN(c.LR(0, 0)) // where torch raises at once
	case "CyclicLR":
		up, down := n("step_size_up"), n("step_size_down")
		if _, has := given["step_size_down"]; !has {
			down = up
		}
		_, custom := given["scale_fn"]
		return cyclicLR{n("base_lr"), n("max_lr"), up, down, args["mode"].Text, n("gamma")}, up > 0 && down >= 0 && !custom
	}
	return nil, false
}

// fits says whether an argument has the type that is computed with here. torch takes more: a list for each group's max_lr, or a
// fraction where it counts, as in total_iters=0.1*epochs.
func fits(name string, a Arg) bool {
	switch name {
	case "milestones":
		return a.Number == 0 && a.Text == "" && !a.Bool
	case "anneal_strategy":
		return a.Text == "cos" || a.Text == "linear"
	case "mode":
		return a.Text == "triangular" || a.Text == "triangular2" || a.Text == "exp_range"
	case "cycle_momentum", "base_momentum", "max_momentum", "scale_mode": // without effect on the rate, of scale_mode without a scale_fn
		return true
	case "three_phase":
		return a.List == nil && a.Text == ""
	case "step_size", "total_iters", "T_0", "T_mult", "total_steps", "epochs", "steps_per_epoch":
		if a.Number != math.Trunc(a.Number) {
			return false
		}
	}
	return a.List == nil && a.Text == "" && !a.Bool
}

type stepLR struct {
	size  int
	gamma float64
}

func (s stepLR) LR(base float64, t int) float64 { return base * math.Pow(s.gamma, float64(t/s.size)) }
func (s stepLR) Next(_, lr float64, t int) float64 {
	if t == 0 || t%s.size != 0 {
		return lr
	}
	return lr * s.gamma
}

type multiStepLR struct {
	at    []int
	gamma float64
}

func (s multiStepLR) LR(base float64, t int) float64 {
	n, _ := slices.BinarySearch(s.at, t+1)
	return base * math.Pow(s.gamma, float64(n))
}

func (s multiStepLR) Next(_, lr float64, t int) float64 {
	for _, m := range s.at {
		if m == t {
			lr *= s.gamma
		}
	}
	return lr
}

type cosineLR struct{ period, min float64 }

func (s cosineLR) LR(base float64, t int) float64 {
	return s.min + (base-s.min)*(1+math.Cos(math.Pi*float64(t)/s.period))/2
}

func (s cosineLR) Next(base, lr float64, t int) float64 {
	if t == 0 {
		return lr
	}
	T := s.period
	if math.Mod(float64(t)-1-T, 2*T) == 0 {
		return lr + (base-s.min)*(1-math.Cos(math.Pi/T))/2
	}
	return (1+math.Cos(math.Pi*float64(t)/T))/(1+math.Cos(math.Pi*float64(t-1)/T))*(lr-s.min) + s.min
}

type linearLR struct {
	start, end float64
	total      int
}

func (s linearLR) LR(base float64, t int) float64 {
	return base * (s.start + (s.end-s.start)*float64(min(s.total, t))/float64(s.total))
}

func (s linearLR) Next(_, lr float64, t int) float64 {
	switch {
	case t == 0:
		return lr * s.start
	case t > s.total:
		return lr
	}
	return lr * (1 + (s.end-s.start)/(float64(s.total)*s.start+float64(t-1)*(s.end-s.start)))
}

type constantLR struct {
	factor float64
	total  int
}

func (s constantLR) LR(base float64, t int) float64 {
	if t < s.total {
		return base * s.factor
	}
	return base
}

func (s constantLR) Next(_, lr float64, t int) float64 {
	switch {
	case t == 0:
		return lr * s.factor
	case t == s.total:
		return lr / s.factor
	}
	return lr
}

type polynomialLR struct {
	total int
	power float64
}

func (s polynomialLR) LR(base float64, t int) float64 {
	return base * math.Pow(1-float64(min(s.total, t))/float64(s.total), s.power)
}

func (s polynomialLR) Next(_, lr float64, t int) float64 {
	if t == 0 || t > s.total {
		return lr
	}
	T := float64(s.total)
	return lr * math.Pow((1-float64(t)/T)/(1-float64(t-1)/T), s.power)
}

type restartsLR struct {
	first, factor int
	min           float64
}

func (s restartsLR) LR(base float64, t int) float64 {
	period := s.first
	if s.factor == 1 {
		t %= s.first
	} else {
		for t >= period {
			t -= period
			period *= s.factor
		}
	}
	return s.min + (base-s.min)*(1+math.Cos(math.Pi*float64(t)/float64(period)))/2
}

// Next sets the rate by the count alone, whatever it was.
func (s restartsLR) Next(base, _ float64, t int) float64 { return s.LR(base, t) }

// oneCycleLR goes through phases that each end at a step with a rate.
type oneCycleLR struct {
	ends   []float64
	from   []float64
	to     []float64
	linear bool
}

func oneCycle(peak float64, total int, pct float64, linear bool, div, finalDiv float64, three bool) oneCycleLR {
	initial := peak / div
	final := initial / finalDiv
	n := float64(total)
	if three {
		return oneCycleLR{[]float64{pct*n - 1, 2*pct*n - 2, n - 1}, []float64{initial, peak, initial}, []float64{peak, initial, final}, linear}
	}
	return oneCycleLR{[]float64{pct*n - 1, n - 1}, []float64{initial, peak}, []float64{peak, final}, linear}
}

// LR is NaN where torch raises: one step past the end is the last it takes, and a phase without steps divides by 0.
func (s oneCycleLR) LR(_ float64, t int) float64 {
	if float64(t) > s.ends[len(s.ends)-1]+1 {
		return math.NaN()
	}
	start := 0.0
	for i, end := range s.ends {
		if float64(t) <= end || i == len(s.ends)-1 {
			if end == start {
				break
			}
			pct := (float64(t) - start) / (end - start)
			if s.linear {
				return s.from[i] + (s.to[i]-s.from[i])*pct
			}
			return s.to[i] + (s.from[i]-s.to[i])/2*(1+math.Cos(math.Pi*pct))
		}
		start = end
	}
	return math.NaN()
}

// Next sets the rate by the count alone, whatever it was.
func (s oneCycleLR) Next(base, _ float64, t int) float64 { return s.LR(base, t) }

// Sequential runs schedules one after another; each starts counting at its milestone.
type Sequential struct {
	Parts      []Schedule
	Milestones []int
}

// part is the schedule in charge after t steps, its count and the base rate it was constructed on; ok is false where torch's
// rate is not known here.
func (s Sequential) part(base float64, t int) (part Schedule, count int, on float64, ok bool) {
	// A milestone that is passed at once never starts its part's count, and torch bisects in what is not sorted.
	if len(s.Parts) != len(s.Milestones)+1 || len(s.Milestones) > 0 && s.Milestones[0] < 1 || !slices.IsSorted(s.Milestones) {
		return nil, 0, 0, false
	}
	for i, p := range s.Parts {
		switch p := p.(type) {
		case Sequential: // torch 1.13 begins it at another rate, 2.6 a step early, and both raise where one begins at a milestone
			return nil, 0, 0, false
		case cyclicLR: // becomes the base rate of all that are constructed later, and which these are is not known here
			if len(s.Parts) > 1 {
				return nil, 0, 0, false
			}
		case Chained: // torch 1.13 refuses it, 2.6 raises where it begins at a milestone
			return nil, 0, 0, false
		case oneCycleLR: // makes its own first rate the base rate of all that are constructed later, and the rate that the first part begins at
			if i > 0 {
				return nil, 0, 0, false
			}
			base = p.from[0]
		}
	}
	i, _ := slices.BinarySearch(s.Milestones, t+1)
	if i > 0 {
		t -= s.Milestones[i-1]
	}
	return s.Parts[i], t, base, true
}

// LR is the rate of the part in charge.
func (s Sequential) LR(base float64, t int) float64 {
	part, count, on, ok := s.part(base, t)
	if !ok {
		return math.NaN()
	}
	return part.LR(on, count)
}

// Next is the part's own step; at a milestone the next part begins at its closed form for 0.
func (s Sequential) Next(base, lr float64, t int) float64 {
	part, count, on, ok := s.part(base, t)
	switch {
	case !ok:
		return math.NaN()
	case count == 0 && t > 0:
		return part.LR(on, 0)
	}
	return part.Next(on, lr, count)
}

// Restored says what a resumed run takes from the checkpoint. Everything is constructed before anything is loaded.
type Restored struct {
	Optimizer, Scheduler bool
	// Behind says that the scheduler's state was saved before its step for the last epoch.
	Behind bool
}

// Resumed are the rates of the epochs done, done+1, ... (count of them) of a run that is resumed after done epochs.
func Resumed(s Schedule, base float64, done, count int, r Restored) []float64 {
	// Construction makes the first step, to 0, on the fresh optimizer.
	lr, t := s.Next(base, base, 0), 0
	saved := done
	if r.Behind {
		saved = done - 1
	}
	if r.Optimizer {
		lr = s.LR(base, saved)
	}
	if r.Scheduler {
		t = saved
	}
	out := make([]float64, 0, count)
	for range count {
		out = append(out, lr)
		t++
		lr = s.Next(base, lr, t)
	}
	return out
}

// FirstDifference is the first epoch from done on, within horizon epochs, in which a resumed run has another rate than the
// uninterrupted one, with both rates. ok is false when they agree.
func FirstDifference(s Schedule, base float64, done, horizon int, r Restored) (epoch int, want, got float64, ok bool) {
	for i, lr := range Resumed(s, base, done, horizon, r) {
		want := s.LR(base, done+i)
		// What comes down to 0 is a last bit of base off, and that bit is no rate.
		if math.Abs(lr-want) > math.Max(1e-9*math.Abs(want), 1e-15*base) {
			return done + i, want, lr, true
		}
	}
	return 0, 0, 0, false
}
