package torch

import "math"

// cyclicLR goes up and down between two rates of its own, whatever rate the optimizer was made with.
type cyclicLR struct {
	low, high, up, down float64
	mode                string
	gamma               float64
}

// LR follows torch's arithmetic word for word: rounded otherwise, a cycle would begin a step early or late.
func (s cyclicLR) LR(_ float64, t int) float64 {
	total := s.up + s.down
	cycle := math.Floor(1 + float64(t)/total)
	x := 1 + float64(t)/total - cycle
	ratio := s.up / total
	scale := x / ratio
	if x > ratio {
		scale = (x - 1) / (ratio - 1)
	}
	switch s.mode {
	case "triangular2":
		scale *= 1 / math.Pow(2, cycle-1)
	case "exp_range":
		scale *= math.Pow(s.gamma, float64(t))
	}
	return s.low + (s.high-s.low)*scale
}

// Next sets the rate by the count alone, whatever it was.
func (s cyclicLR) Next(base, _ float64, t int) float64 { return s.LR(base, t) }
