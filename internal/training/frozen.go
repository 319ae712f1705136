package training

import (
	"regexp"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// FrozenBest is a best-so-far variable that decides what is kept in a loop, and that nothing but its initial value is assigned
// to.
type FrozenBest struct {
	// Name is how it is written in Test, the comparison; Metric is the other side.
	Name   string
	Test   pyast.Node
	Metric pyast.Node
	// Higher says that more is better.
	Higher bool
	// Init is the assignment of the initial value, Restored that of what a checkpoint holds, if there is one; Use is the save or copy that Test
	// decides.
	Init, Restored, Use pyast.Node
	// Local says that an assignment where the test stands changes the variable that is tested.
	Local bool
	// Always says that the condition holds whatever the metric is, as it asks for the initial value too: `best is None or loss < best`.
	Always bool
}

var (
	bestSoFar    = regexp.MustCompile(`(?i)(^|_)best(_|$)|^best|(^|_)(lowest|highest)(_|$)`)
	extremeName  = regexp.MustCompile(`(?i)^(min|max)_((val|valid|test|dev|eval)_?)?(loss|acc\w*|score|err\w*|metric|f1|auc|map|miou|psnr|ppl|wer|cer)$|^((val|valid|test|dev|eval)_?)?(loss|acc\w*|score|err\w*|metric|f1|auc|map|miou|psnr|ppl|wer|cer)_(min|max)$`)
	noMetricName = regexp.MustCompile(`(?i)epoch|step|iter|path|file|model|idx|index|dir|name|weights|state|params`)
	constantText = regexp.MustCompile(`^[-+]?\s*(\d[\d._]*([eE][-+]?\d+)?|float\(\s*['"][-+]?(inf|infinity|nan)['"]\s*\)|(np|numpy|math|torch)\.(inf|Inf|infty|nan)|None|sys\.(maxsize|float_info\.max))$`)
	extreme      = regexp.MustCompile(`^[-+]?\s*(0|0\.0*|1\.?0?|\d{3,}\.?\d*|\d[\d.]*[eE]\+?\d+|.*inf.*|None|sys\..*)$`)
)

// FrozenBests finds them over all runs.
func (f *File) FrozenBests() []FrozenBest {
	var out []FrozenBest
	for _, r := range f.Runs {
		for _, s := range r.Saves {
			out = append(out, f.frozenIn(s.Call)...)
		}
		for _, c := range r.Calls {
			switch lastPart(c.Callee) {
			case "copyfile", "copy", "copy2", "deepcopy":
				out = append(out, f.frozenIn(c)...)
			}
		}
	}
	return out
}

// frozenIn looks at the conditions under which a save or copy happens.
func (f *File) frozenIn(use *Call) []FrozenBest {
	var out []FrozenBest
	looped := false
	for fr := use.Frame; fr != nil; fr = fr.Parent {
		looped = looped || fr.Kind == pysem.FrameLoop && fr.Node.Is(pyast.KindForStatement, pyast.KindWhileStatement)
	}
	if !looped {
		return nil
	}
	for fr := use.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind != pysem.FrameIf || !fr.Positive {
			continue
		}
		for _, v := range comparisons(f.Eval.Eval(fr.Cond, fr.Ctx), 0) {
			if b, ok := f.frozen(v); ok {
				b.Use = use.Node
				out = append(out, b)
			}
		}
	}
	return out
}

// comparisons are the comparisons that a condition is, or is joined of.
func comparisons(v *pysem.Value, depth int) []*pysem.Value {
	var out []*pysem.Value
	for _, a := range v.Alternatives() {
		switch {
		case a.Kind == pysem.Compare:
			out = append(out, a)
		case a.Kind == pysem.Logic && depth < 4:
			for _, e := range a.Elems {
				out = append(out, comparisons(e, depth+1)...)
			}
		}
	}
	return out
}

// frozen reads one comparison.
func (f *File) frozen(v *pysem.Value) (FrozenBest, bool) {
	test := v.Node
	left, right := test.Nth(0), test.Nth(2)
	b := FrozenBest{Test: test}
	var best pyast.Node
	switch {
	case v.Name != "<" && v.Name != "<=" && v.Name != ">" && v.Name != ">=":
		return b, false
	case namesBest(right) && !namesBest(left):
		best, b.Metric, b.Higher = right, left, v.Name[0] == '>'
	case namesBest(left) && !namesBest(right):
		best, b.Metric, b.Higher = left, right, v.Name[0] == '<'
	default:
		return b, false
	}
	b.Name = best.Text()
	if constantText.MatchString(b.Metric.Text()) {
		return b, false
	}
	var ok bool
	if b.Init, b.Restored, ok = f.initialOnly(best); !ok {
		return b, false
	}
	scope := v.Ctx.Func
	same := scope.Module.Scope(b.Init) == scope
	if loop := test.Ancestor(pyast.KindForStatement, pyast.KindWhileStatement); loop.Valid() && scope.Node.Encloses(loop) && scope.Node != loop {
		if loop.Encloses(b.Init) {
			return b, false // it starts over in each round
		}
	} else if same {
		return b, false
	}
	b.Always = b.Init.Child(pyast.FieldRight).Kind() == pyast.KindNoneLiteral && test.Parent().Kind() == pyast.KindBooleanOperator &&
		test.Parent().Child(pyast.FieldOperator).TextIs("or")
	b.Local = best.Kind() == pyast.KindAttribute || same || declaredOutside(scope.Body, b.Name)
	return b, true
}

// namesBest reports whether an expression is a variable or attribute for a best value.
func namesBest(n pyast.Node) bool {
	last := lastPart(n.Text())
	return n.Is(pyast.KindIdentifier, pyast.KindAttribute) && (bestSoFar.MatchString(last) || extremeName.MatchString(last)) && !noMetricName.MatchString(last)
}

// initialOnly is the first assignment of a constant to the variable in its file, when no other assignment there gives it
// anything but constants and what a checkpoint holds, and the assignment of that. A variable that is called for an extreme rather than the best must begin
// as one: other numbers are thresholds.
func (f *File) initialOnly(best pyast.Node) (init, restored pyast.Node, ok bool) {
	name := lastPart(best.Text())
	for n := range best.Tree().Root().Descendants() {
		var left, right pyast.Node
		switch n.Kind() {
		case pyast.KindAssignment:
			left, right = n.Child(pyast.FieldLeft), n.Child(pyast.FieldRight)
			if !right.Valid() {
				continue // an annotation
			}
		case pyast.KindAugmentedAssignment, pyast.KindForStatement, pyast.KindForInClause:
			left = n.Child(pyast.FieldLeft)
		case pyast.KindNamedExpression:
			left = n.Nth(0)
		case pyast.KindAsPattern:
			left = n.Nth(1)
		case pyast.KindStringContent:
			if n.TextIs(name) && n.Parent().Parent().Kind() == pyast.KindArgumentList && n.Parent().Parent().Parent().Child(pyast.FieldFunction).TextIs("setattr") {
				return init, restored, false
			}
			continue
		case pyast.KindImportStatement, pyast.KindImportFromStatement:
			for d := range n.Descendants() {
				if d.TextIs(name) {
					return init, restored, false
				}
			}
			continue
		default:
			continue
		}
		at, targets := elementOf(left, name)
		if targets == 0 {
			continue
		}
		value := right
		if at >= 0 && right.Is(pyast.KindExpressionList, pyast.KindTuple) {
			value = right.Nth(at)
		}
		switch text := value.Text(); {
		case constantText.MatchString(text) && (bestSoFar.MatchString(name) || extreme.MatchString(text)):
			if !init.Valid() && left.Parent() == n {
				init = n
			}
		case n.Kind() == pyast.KindAssignment && left.Is(pyast.KindIdentifier, pyast.KindAttribute) && f.loadedAt(right):
			restored = n
		case n.Kind() == pyast.KindAssignment && value.Kind() == pyast.KindAssignment: // a = b = 0: the inner one counts
		default:
			return init, restored, false
		}
	}
	return init, restored, init.Valid()
}

// loadedAt reports whether an expression is a value of a file that is loaded, at most converted: `ckpt["best"]`, `best.to(gpu)`.
func (f *File) loadedAt(n pyast.Node) bool {
	for n.Kind() == pyast.KindCall {
		fn := n.Child(pyast.FieldFunction)
		switch {
		case fn.Kind() == pyast.KindAttribute:
			n = fn.Child(pyast.FieldObject)
		case fn.TextIs("float") || fn.TextIs("int"):
			n = pysem.Args(n).Pos(0)
		default:
			return false
		}
	}
	if f.ModuleOf(n.Tree()) == nil || !n.Is(pyast.KindSubscript, pyast.KindIdentifier, pyast.KindAttribute) {
		return false
	}
	return f.readFromLoad(f.Eval.Eval(n, f.Eval.In(f.moduleOf(n), n)), 0)
}

// readFromLoad reports whether a value is read from a loaded file as it stands there. What is computed from one is another value: a
// metric of a model that was loaded.
func (f *File) readFromLoad(v *pysem.Value, depth int) bool {
	read := false
	for _, a := range v.Alternatives() {
		base, _, ok := a.KeyRead()
		if !ok && (a.Kind == pysem.Attr || a.Kind == pysem.Item || a.Kind == pysem.Elem) {
			base = a.Base
		}
		switch {
		case a.Kind == pysem.NoneVal:
		case f.loadOf(a) != nil, base != nil && depth < 6 && f.readFromLoad(base, depth+1):
			read = true
		default:
			return false
		}
	}
	return read
}

// elementOf counts the targets of an assignment that end in a name, and says which element of a tuple it is: -1 for the target
// itself.
func elementOf(left pyast.Node, name string) (at, targets int) {
	if left.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		if lastPart(left.Text()) == name {
			return -1, 1
		}
		return -1, 0
	}
	i := 0
	at = -1
	for c := range left.Children() {
		for d := range c.Descendants() {
			if d.Is(pyast.KindIdentifier) && d.TextIs(name) {
				at = i
				targets++
			}
		}
		i++
	}
	return at, targets
}

// declaredOutside reports whether a function declares a name global or nonlocal.
func declaredOutside(body pyast.Node, name string) bool {
	for n := range body.Descendants() {
		if n.Is(pyast.KindGlobalStatement, pyast.KindNonlocalStatement) {
			for c := range n.Children() {
				if c.TextIs(name) {
					return true
				}
			}
		}
	}
	return false
}
