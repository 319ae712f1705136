package prove

// Overhead is what watching takes of a step of the uninterrupted run, and the rest of it: both with their part of what comes between the steps,
// such as loading data, validation and saves. In milliseconds.
type Overhead struct {
	Watching float64 `json:"watching_ms"`
	Script   float64 `json:"script_ms"`
}

// overhead is measured from the first step on, because a process begins with what happens once: nil where no step follows.
func overhead(l *runLog) *Overhead {
	n := len(l.steps) - 1
	if n < 1 {
		return nil
	}
	first, last := l.steps[0], l.steps[n]
	own, all := last.Own-first.Own, last.Clock-first.Clock
	if all <= 0 {
		return nil // a log without times
	}
	each := 1000 / float64(n)
	return &Overhead{Watching: own * each, Script: max(0, all-own) * each}
}
