package torch

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// goldenCase is one schedule with the rates torch printed (testdata/schedules.py).
type goldenCase struct {
	Class   string                     `json:"class"`
	Args    map[string]json.RawMessage `json:"args"`
	Parts   []goldenCase               `json:"parts"`
	Base    float64                    `json:"base"`
	Rates   []rate                     `json:"rates"`
	Resumed []struct {
		Done      int    `json:"done"`
		Optimizer int    `json:"optimizer"`
		Scheduler int    `json:"scheduler"`
		Behind    int    `json:"behind"`
		Rates     []rate `json:"rates"`
	} `json:"resumed"`
}

// rate is what torch printed; nil where it raised instead.
type rate = *float64

// golden is what testdata/schedules.py prints.
type golden struct {
	Torch string
	Seed  int
	Cases []goldenCase
}

func readGolden(t *testing.T, path string) (g golden) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func (c goldenCase) String() string {
	text := fmt.Sprintf("%s%s", c.Class, c.Args)
	for _, p := range c.Parts {
		text += " " + p.String()
	}
	return text
}

// slack is the absolute deviation to let pass. Some classes subtract on the way, so that torch's rounding, some bits of the
// highest rate in each step, is all that remains of a rate that comes down to 0; the others only multiply.
func (c goldenCase) slack() float64 {
	switch c.Class {
	case "StepLR", "MultiStepLR", "ExponentialLR", "ConstantLR", "PolynomialLR":
		return 1e-300 // underflow
	}
	highest := 0.0
	for _, r := range c.Rates {
		if r != nil {
			highest = math.Max(highest, *r)
		}
	}
	return 1e-12 * highest
}

// near is 1e-9 relative.
func near(got float64, want rate, slack float64) (deviation float64, ok bool) {
	if want == nil {
		return 0, math.IsNaN(got)
	}
	difference := math.Abs(got - *want)
	if difference <= slack {
		return 0, true
	}
	deviation = difference / math.Max(math.Abs(got), math.Abs(*want))
	return deviation, deviation <= 1e-9
}

// compare holds every rate of the cases to ours, and says how many there were and how far they were off.
func (g golden) compare(t *testing.T) (checked int, worst float64) {
	t.Helper()
	for _, c := range g.Cases {
		s := c.schedule(t)
		slack := c.slack()
		for epoch, want := range c.Rates {
			got := s.LR(c.Base, epoch)
			d, ok := near(got, want, slack)
			if !ok {
				t.Errorf("seed %d: %s base %g epoch %d: %g, torch %s says %s", g.Seed, c, c.Base, epoch, got, g.Torch, says(want))
				break
			}
			checked, worst = checked+1, math.Max(worst, d)
		}
		for _, r := range c.Resumed {
			got := Resumed(s, c.Base, r.Done, len(r.Rates), Restored{Optimizer: r.Optimizer == 1, Scheduler: r.Scheduler == 1, Behind: r.Behind == 1})
			for i, want := range r.Rates {
				d, ok := near(got[i], want, slack)
				if !ok {
					t.Errorf("seed %d: %s base %g resumed after %d (optimizer %d, scheduler %d, behind %d), epoch +%d: %g, torch %s says %s",
						g.Seed, c, c.Base, r.Done, r.Optimizer, r.Scheduler, r.Behind, i, got[i], g.Torch, says(want))
					break
				}
				checked, worst = checked+1, math.Max(worst, d)
			}
		}
	}
	return checked, worst
}

func says(r rate) string {
	if r == nil {
		return "nothing and raises"
	}
	return fmt.Sprintf("%g", *r)
}

func (c goldenCase) schedule(t *testing.T) Schedule {
	if c.Class == "ChainedScheduler" {
		var s Chained
		for _, p := range c.Parts {
			s.Parts = append(s.Parts, p.schedule(t))
		}
		return s
	}
	if c.Class == "SequentialLR" {
		var s Sequential
		if err := json.Unmarshal(c.Args["milestones"], &s.Milestones); err != nil {
			t.Fatal(err)
		}
		for _, p := range c.Parts {
			s.Parts = append(s.Parts, p.schedule(t))
		}
		return s
	}
	given := map[string]Arg{}
	for name, raw := range c.Args {
		var a Arg
		if json.Unmarshal(raw, &a.Number) != nil && json.Unmarshal(raw, &a.List) != nil && json.Unmarshal(raw, &a.Bool) != nil {
			if err := json.Unmarshal(raw, &a.Text); err != nil {
				t.Fatal(err)
			}
		}
		given[name] = a
	}
	s, ok := NewSchedule("torch.optim.lr_scheduler."+c.Class, given)
	if !ok {
		t.Fatalf("%s%v was not understood", c.Class, c.Args)
	}
	return s
}

// TestUnknownSchedules holds that what torch refuses or runs by another rule than ours gets no rate.
func TestUnknownSchedules(t *testing.T) {
	num := func(x float64) Arg { return Arg{Number: x} }
	for _, c := range []struct {
		class string
		args  map[string]Arg
	}{
		{"StepLR", map[string]Arg{"step_size": num(0)}},
		{"StepLR", map[string]Arg{"step_size": num(2.5)}},
		{"StepLR", map[string]Arg{"step_size": num(2), "gamma": {List: []float64{0.1}}}},
		{"MultiStepLR", map[string]Arg{"milestones": num(30)}},
		{"MultiStepLR", map[string]Arg{"milestones": {List: []float64{-1, 30}}}},
		{"ConstantLR", map[string]Arg{"total_iters": num(0)}},
		{"ConstantLR", map[string]Arg{"factor": num(0)}},
		{"LinearLR", map[string]Arg{"total_iters": num(2.5)}},
		{"LinearLR", map[string]Arg{"start_factor": num(0)}},
		{"LinearLR", map[string]Arg{"end_factor": num(1.5)}},
		{"PolynomialLR", map[string]Arg{"power": num(-1)}},
		{"CosineAnnealingWarmRestarts", map[string]Arg{"T_0": num(10), "T_mult": num(1.5)}},
		{"OneCycleLR", map[string]Arg{"total_steps": num(100), "max_lr": {List: []float64{0.1, 0.2}}}},
		{"OneCycleLR", map[string]Arg{"total_steps": num(100), "max_lr": num(1), "pct_start": num(30)}},
		{"OneCycleLR", map[string]Arg{"total_steps": num(100), "max_lr": num(1), "anneal_strategy": {Text: "cosine"}}},
		{"CyclicLR", map[string]Arg{"base_lr": num(0.1), "max_lr": num(1), "step_size_up": num(0)}},
		{"CyclicLR", map[string]Arg{"base_lr": num(0.1), "max_lr": num(1), "mode": {Text: "square"}}},
		{"CyclicLR", map[string]Arg{"base_lr": num(0.1), "max_lr": num(1), "scale_fn": {}}},
		{"OneCycleLR", map[string]Arg{"total_steps": num(10), "max_lr": num(1), "pct_start": num(0.1)}}, // a first phase without steps
	} {
		if s, ok := NewSchedule(c.class, c.args); ok {
			t.Errorf("%s%v is taken for %v", c.class, c.args, s)
		}
	}
	step, _ := NewSchedule("StepLR", map[string]Arg{"step_size": num(2)})
	cycle, _ := NewSchedule("OneCycleLR", map[string]Arg{"total_steps": num(100), "max_lr": num(1)})
	cyclic, _ := NewSchedule("CyclicLR", map[string]Arg{"base_lr": num(0.1), "max_lr": num(1)})
	restarts, _ := NewSchedule("CosineAnnealingWarmRestarts", map[string]Arg{"T_0": num(9)})
	warm, _ := NewSchedule("LinearLR", nil)
	for name, s := range map[string]Schedule{
		"a sequence in a sequence":         Sequential{[]Schedule{Sequential{[]Schedule{step, step}, []int{5}}, step}, []int{50}},
		"OneCycleLR after another":         Sequential{[]Schedule{step, cycle}, []int{5}},
		"a milestone at 0":                 Sequential{[]Schedule{step, step}, []int{0}},
		"milestones that are not sorted":   Sequential{[]Schedule{step, step, step}, []int{9, 5}},
		"CyclicLR before another":          Sequential{[]Schedule{cyclic, step}, []int{5}},
		"a chain in a sequence":            Sequential{[]Schedule{Chained{[]Schedule{step}}, step}, []int{5}},
		"an empty chain":                   Chained{},
		"OneCycleLR in a chain":            Chained{[]Schedule{cycle, step}},
		"CyclicLR in a chain in a chain":   Chained{[]Schedule{step, Chained{[]Schedule{cyclic}}}},
		"OneCycleLR in a sequence in one":  Chained{[]Schedule{Sequential{[]Schedule{cycle, step}, []int{5}}, step}},
		"a warm-up chained to restarts":    Chained{[]Schedule{warm, restarts}},
		"a warm-up chained to a sequence":  Chained{[]Schedule{warm, Sequential{[]Schedule{step, step}, []int{5}}}},
		"a milestone at 0, and restarts":   Chained{[]Schedule{multiStepLR{[]int{0}, 0.1}, restarts}},
		"restarts chained to restarts":     Chained{[]Schedule{restarts, restarts}},
		"a milestone without its schedule": Sequential{[]Schedule{step, step}, []int{5, 9}},
	} {
		if lr := s.LR(0.1, 0); !math.IsNaN(lr) {
			t.Errorf("%s: %g", name, lr)
		}
		if epoch, want, got, ok := FirstDifference(s, 0.1, 3, 50, Restored{}); ok {
			t.Errorf("%s: a difference in epoch %d, %g instead of %g", name, epoch, got, want)
		}
	}
	if lr := cycle.LR(0.1, 101); !math.IsNaN(lr) {
		t.Errorf("OneCycleLR past its end: %g", lr)
	}
}

// TestEveryScheduler holds that torch's schedulers are either compared with torch or get no rate.
func TestEveryScheduler(t *testing.T) {
	stored := map[string]bool{"SequentialLR": true, "ChainedScheduler": true} // have no parameters here
	for _, c := range readGolden(t, "testdata/schedules.json").Cases {
		stored[c.Class] = true
	}
	for name, e := range entries {
		if e.Kind != Scheduler || !strings.HasPrefix(name, "torch.optim.") || stored[short(name)] {
			continue
		}
		if _, ok := NewSchedule(name, nil); ok || Parameters(name) != nil {
			t.Errorf("%s has a rate and is not compared with torch", name)
		}
	}
}

// TestDownToZero holds that the last bits of a rate that has come down to 0 are no difference.
func TestDownToZero(t *testing.T) {
	s, _ := NewSchedule("LinearLR", map[string]Arg{"end_factor": {}, "total_iters": {Number: 200}})
	if epoch, want, got, ok := FirstDifference(s, 1, 210, 100, Restored{Optimizer: true}); ok {
		t.Errorf("epoch %d: %g instead of %g", epoch, got, want)
	}
}

// TestSchedules holds the closed forms and the resumed recursions to what torch printed: the file kept here, or a fresh one that
// CKPT_SCHEDULES names.
func TestSchedules(t *testing.T) {
	path := os.Getenv("CKPT_SCHEDULES")
	if path == "" {
		path = "testdata/schedules.json"
	}
	if checked, _ := readGolden(t, path).compare(t); checked < 10_000 {
		t.Errorf("only %d rates were compared", checked)
	}
}

// TestRandomSchedules does the same with arguments drawn at random, in the file that CKPT_RANDOM_SCHEDULES names. That is too
// large to keep here, and this machine's torch computes it in seconds.
func TestRandomSchedules(t *testing.T) {
	path := os.Getenv("CKPT_RANDOM_SCHEDULES")
	if path == "" {
		t.Skip("NOT CHECKED: CKPT_RANDOM_SCHEDULES names no file; .ci/run has torch compute one (testdata/schedules.py SEED)")
	}
	g := readGolden(t, path)
	checked, worst := g.compare(t)
	draws := map[string]int{}
	for _, c := range g.Cases {
		draws[c.Class]++
	}
	for class := range parameters {
		if draws[class] < 40 {
			t.Errorf("%s was drawn %d times", class, draws[class])
		}
	}
	if draws["SequentialLR"] < 40 {
		t.Errorf("SequentialLR was drawn %d times", draws["SequentialLR"])
	}
	if draws["ChainedScheduler"] < 40 {
		t.Errorf("ChainedScheduler was drawn %d times", draws["ChainedScheduler"])
	}
	t.Logf("torch %s, seed %d: %d rates of %d schedules of %d classes, at most %.2g off but for the slack at 0", g.Torch, g.Seed, checked, len(g.Cases), len(draws), worst)
}
