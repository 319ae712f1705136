package torch

import (
	"encoding/json"
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
	Rates   []float64                  `json:"rates"`
	Resumed []struct {
		Done      int       `json:"done"`
		Optimizer int       `json:"optimizer"`
		Scheduler int       `json:"scheduler"`
		Behind    int       `json:"behind"`
		Rates     []float64 `json:"rates"`
	} `json:"resumed"`
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
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Torch string
		Cases []goldenCase
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	near := func(a, b float64) bool {
		return math.Abs(a-b) <= 1e-9*math.Max(1e-3, math.Max(math.Abs(a), math.Abs(b)))
	}
	checked := 0
	for _, c := range golden.Cases {
		s := c.schedule(t)
		for epoch, want := range c.Rates {
			if got := s.LR(c.Base, epoch); !near(got, want) {
				t.Errorf("%s%s base %g epoch %d: %g, torch %s says %g", c.Class, c.Args, c.Base, epoch, got, golden.Torch, want)
				break
			}
			checked++
		}
		for _, r := range c.Resumed {
			got := Resumed(s, c.Base, r.Done, len(r.Rates), Restored{Optimizer: r.Optimizer == 1, Scheduler: r.Scheduler == 1, Behind: r.Behind == 1})
			for i, want := range r.Rates {
				if !near(got[i], want) {
					t.Errorf("%s%s base %g resumed after %d (optimizer %d, scheduler %d, behind %d), epoch +%d: %g, torch %s says %g",
						c.Class, c.Args, c.Base, r.Done, r.Optimizer, r.Scheduler, r.Behind, i, got[i], golden.Torch, want)
					break
				}
				checked++
			}
		}
	}
	if checked < 10_000 {
		t.Errorf("only %d rates were compared", checked)
	}
}
