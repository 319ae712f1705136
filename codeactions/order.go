package codeactions

import (
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
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

// sortItems sorts what a listing or set gives, before its order is used.
func sortItems(s *sheet, r diagnostics.SortItems) (Fix, bool) {
	key := ""
	if r.Key != "" {
		key = ", key=" + r.Key
	}
	fix := Fix{Title: "Sort it", Applicability: diagnostics.Safe}
	// list(names) becomes sorted(names).
	if call := r.Items.Parent().Parent(); r.Items.Parent().Kind() == pyast.KindArgumentList && call.Child(pyast.FieldFunction).TextIs("list") {
		s.replace(call.Child(pyast.FieldFunction).Span(), "sorted")
		if key != "" {
			s.insert(r.Items.End(), key)
		}
		return s.fix(fix), true
	}
	s.insert(r.Items.Start(), "sorted(")
	s.insert(r.Items.End(), key+")")
	return s.fix(fix), true
}

// fixSeed writes a seed that is the same in each run.
func fixSeed(s *sheet, r diagnostics.FixSeed) (Fix, bool) {
	fix := Fix{Title: "Use a fixed seed", Applicability: diagnostics.Unsafe, Why: "every run then draws the same numbers"}
	seed := defaultSeed
	if r.Worker {
		fix.Title = "Derive the seed from torch's worker seed"
		seed = s.module("torch") + ".initial_seed() % 2**32"
	}
	s.replace(r.Value.Span(), seed)
	return s.fix(fix), true
}
