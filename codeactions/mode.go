package codeactions

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// trainAgain calls train() behind the statement that left the model in evaluation mode, or at the top of the loop's body.
func trainAgain(s *sheet, r diagnostics.TrainAgain) (Fix, bool) {
	call := r.Model + ".train()"
	if r.After.Valid() {
		stmt := statement(r.After)
		if stmt.Kind() != pyast.KindExpressionStatement || !s.ownLine(stmt) {
			return Fix{}, false
		}
		s.linesAfter(stmt, call)
	} else {
		first := r.Loop.Node.Child(pyast.FieldBody).Nth(0)
		if !first.Valid() || !s.ownLine(first) && first.Kind() == pyast.KindExpressionStatement {
			return Fix{}, false
		}
		s.linesBefore(first, call)
	}
	return s.fix(Fix{
		Title:         fmt.Sprintf("Put `%s` back into training mode", r.Model),
		Applicability: diagnostics.Unsafe,
		Why:           "layers that were kept in evaluation mode on purpose are trained again",
	}), true
}
