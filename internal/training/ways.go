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

// Exclusive reports whether no one pass of the program gets to both frames; it knows the choices of command line options.
func (f *File) Exclusive(a, b *pysem.Frame) bool {
	if Exclusive(a, b) {
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
