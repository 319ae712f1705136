package server

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// rewrites are those of the call at a range. One that cannot be made is shown as such, with the reason, to a client that can and that
// asks for nothing but refactorings.
func (s *session) rewrites(ctx context.Context, d *document, c *cell, p *protocol.CodeActionParams) ([]offer, error) {
	at, v := s.units.span(c, p.Range), viewIn(ctx)
	if !project.Relevant(d.source.Text) || !codeactions.Askable(d.tree, at) {
		return nil, nil
	}
	f := d.folder(v)
	rewrites, err := f.index.Rewrites(ctx, f.program, d.path, at)
	if err != nil {
		return nil, err
	}
	var out []offer
	for _, r := range rewrites {
		a := &protocol.CodeAction{Title: title(r.Fix), Kind: kind(protocol.CodeActionKindRefactorRewrite)}
		switch {
		case r.Reason == "":
			if edit := s.workspaceEdit(v, d, v, r.Edits); edit != nil {
				out = append(out, offer{a, p.Range, ready(edit), d.result(r.Edits)})
			}
		case s.disabled && onlyRefactorings(p.Context.Only):
			a.Disabled.Reason = sentence(r.Reason)
			out = append(out, offer{CodeAction: a})
		}
	}
	return out, nil
}

// onlyRefactorings says that a client asks for refactorings and for nothing else.
func onlyRefactorings(only []protocol.CodeActionKind) bool {
	return len(only) > 0 && !slices.ContainsFunc(only, func(k protocol.CodeActionKind) bool {
		return k != protocol.CodeActionKindRefactor && !strings.HasPrefix(string(k), string(protocol.CodeActionKindRefactor)+".")
	})
}

// sentence is a clause as a sentence.
func sentence(clause string) string {
	first, size := utf8.DecodeRuneInString(clause)
	return string(unicode.ToUpper(first)) + clause[size:] + "."
}
