package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// EvaluatedFirst reports whether the first round of the training loop takes the metric of the weights that it begins with for the best,
// before an optimizer steps, and saves nothing by it: after a resume the best is that of the restored weights again.
func (s *SaveSite) EvaluatedFirst(best *Best) bool {
	loop := s.around()
	if loop == nil {
		return false
	}
	r := s.Run
	steps := slices.Clone(r.engineSteps)
	for _, st := range r.Steps {
		if st.Object.Kind == Optimizer {
			steps = append(steps, st.Index)
		}
	}
	update := slices.IndexFunc(r.Events, func(ev pysem.Event) bool { return ev.Kind == pysem.EventAssign && ev.Node == best.Assign })
	if !loop.Holds(update) || slices.ContainsFunc(steps, func(i int) bool { return loop.Holds(i) && i < update }) {
		return false
	}
	f := r.File
	for fr := r.Events[update].Frame; fr != nil && fr.Node != loop.Node; fr = fr.Parent {
		if fr.Kind != pysem.FrameIf || f.asksBest(fr, best.Name, best.Assign.Child(pyast.FieldRight)) {
			continue
		}
		if truth, known := loop.firstTruth(fr.Cond, fr.Ctx); !known || truth != fr.Positive {
			return false
		}
	}
	decided := f.DecidedBy(s, best.Name)
	return len(decided) > 0 && !slices.ContainsFunc(decided, func(o *SaveSite) bool { return !loop.notFirst(o.Frame) })
}

// notFirst reports whether a test keeps the first round of the loop away from a frame.
func (l *Loop) notFirst(fr *pysem.Frame) bool {
	for ; fr != nil && fr.Node != l.Node; fr = fr.Parent {
		if fr.Kind != pysem.FrameIf {
			continue
		}
		if truth, known := l.firstTruth(fr.Cond, fr.Ctx); known && truth != fr.Positive {
			return true
		}
	}
	return false
}

// firstTruth is how a condition comes out in the first round of the loop, as far as what it counts tells. A test of the rank holds for the
// process that is asked about.
func (l *Loop) firstTruth(n pyast.Node, ctx *pysem.Ctx) (truth, known bool) {
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return l.firstTruth(n.Nth(0), ctx)
	case pyast.KindNotOperator:
		truth, known = l.firstTruth(n.Child(pyast.FieldArgument), ctx)
		return !truth, known
	case pyast.KindBooleanOperator:
		decides := !n.Child(pyast.FieldOperator).TextIs("and") // the outcome of one side that the other cannot change
		a, aKnown := l.firstTruth(n.Child(pyast.FieldLeft), ctx)
		b, bKnown := l.firstTruth(n.Child(pyast.FieldRight), ctx)
		if aKnown && a == decides || bKnown && b == decides {
			return decides, true
		}
		return !decides, aKnown && bKnown
	case pyast.KindComparisonOperator:
		if l.Run.File.testRank(n, ctx, true) != AnyRank {
			return true, true
		}
		left, op, right := comparison(n)
		a, aKnown := l.firstCount(left, ctx)
		b, bKnown := l.firstCount(right, ctx)
		if !aKnown || !bKnown {
			return false, false
		}
		return (&pysem.Value{Kind: pysem.Compare, Base: whole(a), Name: op, Other: whole(b)}).Truth()
	}
	if l.Run.File.testRank(n, ctx, true) != AnyRank {
		return true, true
	}
	count, known := l.firstCount(n, ctx)
	return count != 0, known
}

// firstCount is the whole number that an expression is in the first round of the loop: one that is set in front of the loop and counted up in
// it, or the variable of a range.
func (l *Loop) firstCount(n pyast.Node, ctx *pysem.Ctx) (count int64, known bool) {
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return l.firstCount(n.Nth(0), ctx)
	case pyast.KindBinaryOperator:
		a, aKnown := l.firstCount(n.Child(pyast.FieldLeft), ctx)
		b, bKnown := l.firstCount(n.Child(pyast.FieldRight), ctx)
		switch op := n.Child(pyast.FieldOperator); {
		case op.TextIs("%") && aKnown && a == 0: // whatever the period is
			return 0, true
		case !aKnown || !bKnown:
		case op.TextIs("%") && b > 0 && a >= 0:
			return a % b, true
		case op.TextIs("+"):
			return a + b, true
		case op.TextIs("-"):
			return a - b, true
		}
		return 0, false
	}
	v := l.Run.File.Eval.Eval(n, ctx)
	if v.Kind == pysem.LoopVar && v.Node == l.Node {
		if !l.Start.Valid() {
			return 0, l.Stop.Valid()
		}
		v = l.Run.File.Eval.Eval(l.Start, l.Ctx)
	}
	if v.Kind == pysem.Int {
		return v.Int, true
	}
	begun := slices.DeleteFunc(slices.Clone(v.Alternatives()), func(a *pysem.Value) bool { return a.Node.Valid() && l.Node.Encloses(a.Node) })
	if len(begun) != 1 || begun[0].Kind != pysem.Int {
		return 0, false
	}
	return begun[0].Int, true
}

func whole(n int64) *pysem.Value { return &pysem.Value{Kind: pysem.Int, Int: n} }
