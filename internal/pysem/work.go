package pysem

// Work counts the steps of an analysis. They are the same on every machine, and so is what a limit on them leaves undone.
type Work struct {
	Steps int
	most  int // 0 for no limit
}

// Exhausted is what Spend panics with beyond the limit.
type Exhausted struct{}

// Spend counts steps.
func (w *Work) Spend(steps int) {
	if w.Steps += steps; w.most > 0 && w.Steps > w.most {
		panic(Exhausted{})
	}
}

// Limit bounds the steps that may come from now on; 0 lifts the bound.
func (w *Work) Limit(steps int) {
	if w.most = 0; steps > 0 {
		w.most = w.Steps + steps
	}
}
