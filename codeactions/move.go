package codeactions

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// moveBefore moves a call that is a statement of its own in front of the statement of its block that holds the other call.
func moveBefore(s *sheet, r diagnostics.MoveBefore) (Fix, bool) {
	moved := statement(r.Call)
	if moved.Kind() != pyast.KindExpressionStatement || moved.Nth(0) != r.Call || !s.ownLine(moved) {
		return Fix{}, false
	}
	other := r.Other
	for other.Valid() && other.Parent() != moved.Parent() {
		other = other.Parent()
	}
	if !other.Valid() || other.Start() > moved.Start() {
		return Fix{}, false
	}
	at := lineStart(s.src, other.Start())
	start, end := lineStart(s.src, moved.Start()), lineEnd(s.src, moved.End())
	s.insert(at, string(s.src[start:end])+s.newline)
	s.replace(text.Span{Start: start, End: nextLine(s.src, moved.End())}, "")
	return s.fix(Fix{
		Title:         fmt.Sprintf("Move `%s` in front of the restore", r.Call.Child(pyast.FieldFunction).Text()),
		Applicability: diagnostics.Unsafe,
		Why:           "the code in between runs with different random numbers",
	}), true
}
