package training

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// outcome is that of a test, as whoever passed a condition knows it. A test that compares with a constant is written as its left
// side, and is keeps the constant.
type outcome struct {
	test, is string
	holds    bool
	// varies says that the left side is the variable of a loop, which is one constant in one round and another in the next.
	varies bool
	// subject is the left side, or the whole test.
	subject pyast.Node
}

// same reports whether two outcomes are one and the same, wherever they are known.
func (k outcome) same(o outcome) bool {
	k.subject = o.subject
	return k == o
}

// negated are the operators whose tests are written as those of their opposites, which do not hold then.
var negated = map[string]string{"!=": "==", "not in": "in", "is not": "is", ">=": "<", "<=": ">"}

// knownFrom adds the outcomes that a condition tells of, where it holds or does not. Of `a and b` both hold behind it, and nothing is
// known where it does not; of `a or b` it is the other way round.
func knownFrom(n pyast.Node, holds bool, out []outcome) []outcome {
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return knownFrom(n.Nth(0), holds, out)
	case pyast.KindNotOperator:
		return knownFrom(n.Child(pyast.FieldArgument), !holds, out)
	case pyast.KindBooleanOperator:
		if n.Child(pyast.FieldOperator).TextIs("and") == holds {
			return knownFrom(n.Child(pyast.FieldRight), holds, knownFrom(n.Child(pyast.FieldLeft), holds, out))
		}
	case pyast.KindComparisonOperator:
		if left, op, right := comparison(n); op != "" {
			opposite, not := negated[op]
			if not {
				op, holds = opposite, !holds
			}
			switch {
			case op == "is" && right.TextIs("None"): // `x is not None` and `x` ask alike
				return append(out, outcome{test: left.Text(), holds: !holds, subject: left})
			case op == "==" && right.Is(pyast.KindString, pyast.KindInteger):
				return append(out, outcome{test: left.Text(), is: right.Text(), holds: holds, varies: loopVariable(n, left.Text()), subject: left})
			}
			return append(out, outcome{test: left.Text() + " " + op + " " + right.Text(), holds: holds, subject: n})
		}
	}
	return append(out, outcome{test: n.Text(), holds: holds, subject: n})
}

// comparison are the sides and the operator of a comparison with one operator.
func comparison(n pyast.Node) (left pyast.Node, op string, right pyast.Node) {
	var sides []pyast.Node
	for c := range n.Children() {
		switch {
		case c.Field() != pyast.FieldOperators:
			sides = append(sides, c)
		case op != "":
			return left, "", right // a < b < c
		default:
			op = c.Text()
		}
	}
	if len(sides) != 2 {
		return left, "", right
	}
	return sides[0], op, sides[1]
}

// loopVariable reports whether a for loop around a node goes through the values of a name.
func loopVariable(n pyast.Node, name string) bool {
	for p := n.Parent(); p.Valid() && p.Kind() != pyast.KindFunctionDefinition; p = p.Parent() {
		if p.Kind() == pyast.KindForStatement && slices.Contains(strings.FieldsFunc(p.Child(pyast.FieldLeft).Text(), notName), name) {
			return true
		}
	}
	return false
}

func notName(r rune) bool { return strings.ContainsRune(" ,()[]*", r) }

// contradicts reports whether not both outcomes are possible.
func (k outcome) contradicts(o outcome) bool {
	switch {
	case k.test != o.test:
		return false
	case k.is != o.is:
		return k.holds && o.holds && k.is != "" && o.is != "" && !k.varies && !o.varies
	}
	return k.holds != o.holds
}

// knownAt are the outcomes of the tests around a frame.
func knownAt(fr *pysem.Frame) []outcome {
	var out []outcome
	for ; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf {
			out = knownFrom(fr.Cond, fr.Positive, out)
		}
	}
	return out
}

// Exclusive reports whether no one pass of the program gets to both frames: they stand on the two sides of one test, or of tests
// that are written alike.
func Exclusive(a, b *pysem.Frame) bool {
	at := knownAt(a)
	if len(at) == 0 {
		return false
	}
	for _, o := range knownAt(b) {
		if slices.ContainsFunc(at, o.contradicts) {
			return true
		}
	}
	return false
}

// impossible reports whether the tests on the way to a frame ask one value for two things that it cannot both be: a caller starts several
// processes `if parallel == "ddp"`, and the function asks for another.
func (f *File) impossible(fr *pysem.Frame) bool {
	type known struct {
		outcome
		ctx *pysem.Ctx
	}
	var held []known
	for ; fr != nil; fr = fr.Parent {
		if fr.Kind != pysem.FrameIf {
			continue
		}
		for _, k := range knownFrom(fr.Cond, fr.Positive, nil) {
			f.Eval.Work.Spend(1 + len(held))
			for _, h := range held {
				if !h.contradicts(k) {
					continue
				}
				v, w := f.Eval.Eval(h.subject, h.ctx), f.Eval.Eval(k.subject, fr.Ctx)
				if v.Kind != pysem.Unknown && v.Key() == w.Key() {
					return true
				}
			}
			held = append(held, known{k, fr.Ctx})
		}
	}
	return false
}

// Contradicts reports whether nobody whom the rank test lets through gets to a frame.
func (g Guard) Contradicts(fr *pysem.Frame) bool {
	if g.Frame.Kind != pysem.FrameIf {
		return false
	}
	at := knownAt(fr)
	return slices.ContainsFunc(knownFrom(g.Frame.Cond, g.Frame.Positive, nil), func(k outcome) bool { return slices.ContainsFunc(at, k.contradicts) })
}

// Implied reports whether whoever gets to one of the frames `from` also gets to fr: every test around fr is around one of them.
func Implied(fr *pysem.Frame, from ...*pysem.Frame) bool {
	var held []outcome
	for _, x := range from {
		held = append(held, knownAt(x)...)
	}
	for _, k := range knownAt(fr) {
		if !slices.ContainsFunc(held, k.same) {
			return false
		}
	}
	return true
}
