package prove

import (
	"bytes"
	"math"
	"strconv"
)

// Curve is what a run learned at: a point for each optimizer step.
type Curve struct {
	Name string `json:"name"`
	// Steps count those of the uninterrupted run, from 1. Rates are those of the first parameter group; NaN where a loss was not seen.
	Steps  Numbers `json:"steps"`
	Rates  Numbers `json:"rates"`
	Losses Numbers `json:"losses"`
}

// Numbers are written to JSON with null for what is NaN or infinite.
type Numbers []float64

// MarshalJSON writes them.
func (n Numbers) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('[')
	for i, v := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		if finite(v) {
			out.Write(strconv.AppendFloat(nil, v, 'g', -1, 64))
		} else {
			out.WriteString("null")
		}
	}
	out.WriteByte(']')
	return out.Bytes(), nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func curve(name string, l *runLog, begin int) Curve {
	c := Curve{Name: name}
	for i, e := range l.steps {
		rate := math.NaN()
		if len(e.LR) > 0 {
			rate = parse(e.LR[0])
		}
		c.Steps = append(c.Steps, float64(begin+i+1))
		c.Rates = append(c.Rates, rate)
		c.Losses = append(c.Losses, parse(e.Loss))
	}
	return c
}

// parse reads a number as Python writes it, NaN where there is none.
func parse(text string) float64 {
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return v
	}
	return math.NaN()
}

// mostPoints is how many points of a curve a report shows.
const mostPoints = 1000

// Thinned is a curve with no more points than a picture can show: of each stretch those where rate and loss are least and greatest, and
// where a number is none.
func (c Curve) Thinned() Curve {
	const each = 5 // points that a stretch may keep
	n := len(c.Steps)
	if n <= mostPoints {
		return c
	}
	out := Curve{Name: c.Name}
	stretches := mostPoints / each
	for s := range stretches {
		from, to := s*n/stretches, (s+1)*n/stretches
		keep := map[int]bool{}
		for _, values := range []Numbers{c.Rates, c.Losses} {
			least, greatest := from, from
			for i := from; i < to; i++ {
				switch {
				case !finite(values[i]):
					if len(keep) == 0 {
						keep[i] = true
					}
				case values[i] < values[least] || !finite(values[least]):
					least = i
				case values[i] > values[greatest] || !finite(values[greatest]):
					greatest = i
				}
			}
			keep[least], keep[greatest] = true, true
		}
		for i := from; i < to; i++ {
			if keep[i] {
				out.Steps, out.Rates, out.Losses = append(out.Steps, c.Steps[i]), append(out.Rates, c.Rates[i]), append(out.Losses, c.Losses[i])
			}
		}
	}
	return out
}
