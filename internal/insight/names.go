package insight

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Name is the name of a checkpoint's file as it stands in the code.
type Name struct {
	text.Span
	// File is the name, which may be relative.
	File string
	// Load is the call that loads it, nothing where it is saved.
	Load text.Span
}

// Names are those in a file of which every part is known, in their order.
func Names(facts []*training.File, path string) []Name {
	var out []Name
	add := func(f *training.File, p *training.Path, load text.Span) {
		if p == nil || !p.Known || p.Buffer || strings.ContainsAny(p.Pattern, "*\x00") || !p.Node.Valid() || pathOf(f, p.Node.Tree()) != path {
			return
		}
		name := Name{p.Node.Span(), p.Pattern, load}
		if inner, ok := unquoted(p.Node, p.Pattern); ok {
			name.Span = inner
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, f := range facts {
		for _, s := range f.Saves() {
			add(f, s.Path, text.Span{})
		}
		for _, l := range f.Loads() {
			load := text.Span{}
			if pathOf(f, l.Node.Tree()) == path {
				load = l.Node.Span()
			}
			add(f, l.Path, load)
		}
	}
	slices.SortFunc(out, func(a, b Name) int { return a.Start - b.Start })
	return out
}
