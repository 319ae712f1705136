package codeactions

import (
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// seedFirst moves seeding statements in front of the statement that draws.
func seedFirst(s *sheet, r diagnostics.SeedFirst) (Fix, bool) {
	if !s.ownLine(r.Before) && strings.TrimSpace(string(s.src[lineStart(s.src, r.Before.Start()):r.Before.Start()])) != "" {
		return Fix{}, false
	}
	var moved strings.Builder
	for _, stmt := range r.Seeds {
		if !s.ownLine(stmt) {
			return Fix{}, false
		}
		start := lineStart(s.src, stmt.Start())
		moved.WriteString(string(s.src[start:lineEnd(s.src, stmt.End())]) + s.newline)
		s.replace(spanOf(start, nextLine(s.src, stmt.End())), "")
	}
	s.insert(lineStart(s.src, r.Before.Start()), moved.String())
	return s.fix(Fix{
		Title:         "Seed before anything is drawn",
		Applicability: diagnostics.Unsafe,
		Why:           "every run then draws other numbers than before",
	}), true
}
