package server

import (
	"context"
	"slices"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// runApplyFix makes the fix that a code lens names: the one that mends findings of all its rules, next to its position.
func (s *session) runApplyFix(ctx context.Context, arguments []protocol.LSPAny) (any, error) {
	p, err := argument[lensArguments](arguments, applyFix+` takes one argument, {"uri": ..., "version": ..., "codes": [...], "position": {...}}`)
	if err != nil {
		return nil, err
	}
	if len(p.Codes) == 0 {
		return nil, invalid(applyFix + " names no rule")
	}
	v := viewIn(ctx)
	d, c := documentIn(ctx, readURI(p.URI))
	switch {
	case d == nil:
		return nil, invalid("no open document has the URI " + p.URI)
	case c.version != p.Version:
		return nil, modified("the document is not what it was when the fix was offered")
	}
	a, err := d.asOf(ctx, v)
	if err != nil {
		return nil, err
	}
	f := a.fixNear(p.Codes, c, s.units.span(c, protocol.Range{Start: p.Position, End: p.Position}).Start)
	if f == nil {
		return nil, modified("the findings that the fix was for are gone")
	}
	edit := s.workspaceEdit(v, d, a.of, f.Edits)
	if edit == nil {
		return nil, modified("another file that the fix changes is not what it was")
	}
	return nil, s.apply(ctx, f.Title, edit)
}

// fixNear is the best of the fixes that mend findings of all of these rules with one in the cell, and of several places that next
// to the offset.
func (a *analysis) fixNear(codes []string, c *cell, offset int) (nearest *codeactions.Fix) {
	lines := text.NewLineIndex(a.Source.Text)
	far := -1
	for i, f := range a.fixes() {
		mended := map[string]bool{}
		near := -1
		for _, r := range f.Resolves {
			x := a.Diagnostics[r]
			mended[x.Rule.Code] = true
			if c.holds(x.Span) {
				if away := distance(lines.Line(x.Span.Start), lines.Line(offset)); near < 0 || away < near {
					near = away
				}
			}
		}
		all := !slices.ContainsFunc(codes, func(code string) bool { return !mended[code] })
		if all && near >= 0 && (far < 0 || near < far) {
			nearest, far = &a.fixes()[i], near
		}
	}
	return nearest
}

func distance(a, b int) int { return max(a, b) - min(a, b) }
