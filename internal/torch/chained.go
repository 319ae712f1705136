package torch

import "math"

// Chained steps several schedules one after the other, each on the rate that the one before it left. Where torch's rate depends
// on the order in which the parts were constructed, which is not known here, its rates are NaN.
type Chained struct{ Parts []Schedule }

// LR is what the recursion comes to: a chain has no closed form.
func (s Chained) LR(base float64, t int) float64 {
	if !s.known() {
		return math.NaN()
	}
	lr := base
	for i := range t + 1 {
		lr = s.step(base, lr, i)
	}
	return lr
}

// Next is the step of every part.
func (s Chained) Next(base, lr float64, t int) float64 {
	if !s.known() {
		return math.NaN()
	}
	return s.step(base, lr, t)
}

func (s Chained) step(base, lr float64, t int) float64 {
	for _, p := range s.Parts {
		lr = p.Next(base, lr, t)
	}
	return lr
}

// known says that the construction leaves one rate, in whatever order the parts are made: warm-ups multiply it, and a part that
// sets it does so beside others that leave it alone.
func (s Chained) known() bool {
	multiply, set, ok := s.starts()
	return ok && (set == 0 || set == 1 && multiply == 0)
}

// starts counts the parts whose construction multiplies the rate and those whose construction sets it.
func (s Chained) starts() (multiply, set int, ok bool) {
	for _, p := range s.Parts {
		switch p := p.(type) {
		case stepLR, cosineLR, polynomialLR:
		case multiStepLR:
			if len(p.at) > 0 && p.at[0] == 0 {
				multiply++
			}
		case linearLR, constantLR:
			multiply++
		case restartsLR:
			set++
		case Sequential:
			for _, q := range p.Parts {
				if changesBase(q) {
					return 0, 0, false
				}
			}
			set++
		case Chained:
			m, n, ok := p.starts()
			if !ok {
				return 0, 0, false
			}
			multiply, set = multiply+m, set+n
		default:
			return 0, 0, false
		}
	}
	return multiply, set, len(s.Parts) > 0
}

// changesBase says that a schedule makes its own first rate the base rate of what is constructed behind it.
func changesBase(s Schedule) bool {
	switch s.(type) {
	case oneCycleLR, cyclicLR:
		return true
	}
	return false
}
