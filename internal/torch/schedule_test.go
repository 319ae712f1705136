package torch

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
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

// near is 1e-9 relative. A last bit of the schedule's highest rate is what a rate that comes down to 0 can be off.
func near(got float64, want rate, highest float64) (deviation float64, ok bool) {
	if want == nil {
		return 0, math.IsNaN(got)
	}
	difference := math.Abs(got - *want)
	if difference <= 1e-15*highest {
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
		highest := 0.0
		for _, want := range c.Rates {
			if want != nil {
				highest = math.Max(highest, *want)
			}
		}
		for epoch, want := range c.Rates {
			got := s.LR(c.Base, epoch)
			d, ok := near(got, want, highest)
			if !ok {
				t.Errorf("seed %d: %s base %g epoch %d: %g, torch %s says %s", g.Seed, c, c.Base, epoch, got, g.Torch, says(want))
				break
			}
			checked, worst = checked+1, math.Max(worst, d)
		}
		for _, r := range c.Resumed {
			got := Resumed(s, c.Base, r.Done, len(r.Rates), Restored{Optimizer: r.Optimizer == 1, Scheduler: r.Scheduler == 1, Behind: r.Behind == 1})
			for i, want := range r.Rates {
				d, ok := near(got[i], want, highest)
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
	t.Logf("torch %s, seed %d: %d rates of %d schedules of %d classes, at most %.2g off", g.Torch, g.Seed, checked, len(g.Cases), len(draws), worst)
}
