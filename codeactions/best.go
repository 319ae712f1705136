package codeactions

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// updateBest assigns the metric at the head of the branch that the test opens, or behind the statement that keeps the test's
// result: `is_best = acc > best`.
func updateBest(s *sheet, r diagnostics.UpdateBest) (Fix, bool) {
	b := r.Best
	f := Fix{Title: fmt.Sprintf("Assign `%s`", b.Name), Applicability: diagnostics.Safe}
	stmt := statement(b.Test)
	if a := stmt.Nth(0); a.Kind() == pyast.KindAssignment && bare(a.Child(pyast.FieldRight)) == b.Test && s.ownLine(stmt) {
		choose := "min"
		if b.Higher {
			choose = "max"
		}
		s.linesAfter(stmt, fmt.Sprintf("%s = %s(%s, %s)", b.Name, choose, b.Name, b.Metric.Text()))
		return s.fix(f), true
	}
	body := branch(b.Test)
	first := body.Nth(0)
	if !first.Valid() || indentAt(s.src, first.Start()) != string(s.src[lineStart(s.src, first.Start()):first.Start()]) {
		return Fix{}, false
	}
	s.linesBefore(first, b.Name+" = "+b.Metric.Text())
	return s.fix(f), true
}

// bare is an expression without parentheses around it.
func bare(n pyast.Node) pyast.Node {
	for n.Kind() == pyast.KindParenthesizedExpression {
		n = n.Nth(0)
	}
	return n
}

// branch is the block that runs only where a test holds: the test is the condition, or one of several that must all hold.
func branch(test pyast.Node) pyast.Node {
	n := test
	for p := n.Parent(); ; n, p = p, p.Parent() {
		switch {
		case p.Is(pyast.KindIfStatement, pyast.KindElifClause):
			if p.Child(pyast.FieldCondition) == n {
				return p.Child(pyast.FieldConsequence)
			}
			return pyast.Node{}
		case p.Kind() == pyast.KindParenthesizedExpression:
		case p.Kind() == pyast.KindBooleanOperator && p.Child(pyast.FieldOperator).TextIs("and"):
		default:
			return pyast.Node{}
		}
	}
}

// deepCopy copies the weights where they are kept.
func deepCopy(s *sheet, r diagnostics.DeepCopy) (Fix, bool) {
	call := s.imported("copy.deepcopy")
	if call == "" {
		call = s.module("copy") + ".deepcopy"
	}
	s.replace(r.Alias.Value.Span(), call+"("+r.Alias.Inner.Text()+")")
	return s.fix(Fix{Title: "Keep a copy of the weights", Applicability: diagnostics.Safe}), true
}
