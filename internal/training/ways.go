package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// A program that is told a phase, a mode or a command gets to the one place or to the other, though the tests around them ask for
// several constants at once, or leave only one of the option's choices over.

// constants are what the tests around places leave of the constants that an expression may be: one of some, and none of others.
type constants struct {
	oneOf  [][]string
	noneOf []string
}

// Exclusive reports whether no one pass of the program gets to both frames; it knows the choices of command line options, and an option by
// whatever name a function has it.
func (f *File) Exclusive(a, b *pysem.Frame) bool {
	if Exclusive(a, b) || f.askOpposites(a, b) {
		return true
	}
	left := map[string]*constants{}
	for _, fr := range []*pysem.Frame{a, b} {
		for ; fr != nil; fr = fr.Parent {
			if fr.Kind == pysem.FrameIf {
				narrow(fr.Cond, fr.Positive, left)
			}
		}
	}
	for name, c := range left {
		possible := append(c.oneOf, f.choices(lastPart(name)))
		for _, set := range possible {
			if len(set) > 0 && !slices.ContainsFunc(set, func(s string) bool { return c.allows(s) }) {
				return true
			}
		}
	}
	return false
}

// askOpposites reports whether tests around two frames ask for the opposite of one option, `self.args.fast` here and `args.fast` there.
func (f *File) askOpposites(a, b *pysem.Frame) bool {
	for ; a != nil; a = a.Parent {
		if a.Kind != pysem.FrameIf {
			continue
		}
		for _, k := range knownFrom(a.Cond, a.Positive, nil) {
			if !k.subject.Is(pyast.KindIdentifier, pyast.KindAttribute) {
				continue
			}
			for fr := b; fr != nil; fr = fr.Parent {
				if fr.Kind == pysem.FrameIf && fr.Ctx != a.Ctx && f.opposes(k, a.Ctx, fr) {
					return true
				}
			}
		}
	}
	return false
}

// opposes reports whether the test of a frame asks for the opposite of what is known of an option in another function.
func (f *File) opposes(k outcome, ctx *pysem.Ctx, fr *pysem.Frame) bool {
	return slices.ContainsFunc(knownFrom(fr.Cond, fr.Positive, nil), func(o outcome) bool {
		if o.test == k.test || !o.subject.Is(pyast.KindIdentifier, pyast.KindAttribute) || lastPart(o.test) != lastPart(k.test) {
			return false
		}
		if o.test = k.test; !k.contradicts(o) {
			return false
		}
		v := f.Eval.Eval(k.subject, ctx)
		return v.Kind == pysem.Attr && v.Key() == f.Eval.Eval(o.subject, fr.Ctx).Key()
	})
}

func (c *constants) allows(s string) bool {
	return !slices.Contains(c.noneOf, s) && !slices.ContainsFunc(c.oneOf, func(set []string) bool { return !slices.Contains(set, s) })
}

// narrow notes what a test says of constants, where it holds or does not: `phase == "train"`, `phase not in ("train", "val")`.
func narrow(n pyast.Node, holds bool, left map[string]*constants) {
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		narrow(n.Nth(0), holds, left)
	case pyast.KindNotOperator:
		narrow(n.Child(pyast.FieldArgument), !holds, left)
	case pyast.KindBooleanOperator:
		if n.Child(pyast.FieldOperator).TextIs("and") == holds {
			narrow(n.Child(pyast.FieldLeft), holds, left)
			narrow(n.Child(pyast.FieldRight), holds, left)
		}
	case pyast.KindComparisonOperator:
		subject, op, right := comparison(n)
		set := texts(right)
		if s, ok := pysem.StringLiteral(right); ok {
			set = []string{s}
		} else if op == "==" || op == "!=" {
			return
		}
		if opposite, not := negated[op]; not {
			op, holds = opposite, !holds
		}
		if op != "==" && op != "in" || len(set) == 0 || right.Kind() == pyast.KindString && op == "in" || loopVariable(n, subject.Text()) {
			return
		}
		c := left[subject.Text()]
		if c == nil {
			c = &constants{}
			left[subject.Text()] = c
		}
		if holds {
			c.oneOf = append(c.oneOf, set)
		} else {
			c.noneOf = append(c.noneOf, set...)
		}
	}
}
