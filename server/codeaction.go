package server

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.lsp.dev/protocol"
	"go.uber.org/zap"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// CodeAction offers what can be done about the findings that touch the range. Edits are inline, because not every client
// resolves.
func (s *session) CodeAction(ctx context.Context, p *protocol.CodeActionParams) ([]protocol.CommandOrCodeAction, error) {
	out := []protocol.CommandOrCodeAction{}
	d, c := documentIn(ctx, p.TextDocument.URI)
	if d == nil || d.tree == nil {
		return out, nil
	}
	a, err := d.analyze(ctx, viewIn(ctx))
	if err != nil {
		return nil, err
	}
	found := a.Diagnostics
	if wanted(p.Context.Only, protocol.CodeActionKindQuickFix) {
		meant := s.meant(c, found, p)
		for _, f := range a.fixes() {
			if !slices.ContainsFunc(f.Resolves, func(i int) bool { return meant[i] }) {
				continue
			}
			if fix := s.quickFix(ctx, d, a, f); fix.Edit != nil {
				out = append(out, fix)
			}
		}
		for i, x := range found {
			if meant[i] {
				out = append(out, s.attend(ctx, d, a, x)...)
			}
		}
	}
	// Without a filter the client asks for a menu at the cursor, where an action on the whole file has no place.
	if len(p.Context.Only) > 0 && wanted(p.Context.Only, fixAllKind) {
		all, err := s.fixAll(ctx, d)
		if err != nil {
			return nil, err
		}
		if all != nil {
			out = append(out, all)
		}
	}
	return out, nil
}

// meant are the findings asked about: those that touch the range, and those the client names, as some send the cursor for
// the range and the findings of its line. Others name none, so the range must do.
func (s *session) meant(c *cell, found []diagnostics.Diagnostic, p *protocol.CodeActionParams) map[int]bool {
	at := s.units.span(c, p.Range)
	meant := map[int]bool{}
	for i, x := range found {
		named := func(n protocol.Diagnostic) bool {
			return n.Code == protocol.String(x.Rule.Code) && n.Range == s.units.lsp(c, x.Span)
		}
		meant[i] = c.holds(x.Span) && (x.Span.Overlaps(at) || slices.ContainsFunc(p.Context.Diagnostics, named))
	}
	return meant
}

// wanted says whether a kind is among those asked for; a kind covers its sub-kinds.
func wanted(only []protocol.CodeActionKind, kind protocol.CodeActionKind) bool {
	return len(only) == 0 || slices.ContainsFunc(only, func(k protocol.CodeActionKind) bool {
		return k == "" || k == kind || strings.HasPrefix(string(kind), string(k)+".")
	})
}

func (s *session) quickFix(ctx context.Context, d *document, of *analysis, f codeactions.Fix) *protocol.CodeAction {
	a := &protocol.CodeAction{Title: f.Title, Kind: kind(protocol.CodeActionKindQuickFix), Edit: s.workspaceEdit(viewIn(ctx), d, of.of, f.Edits)}
	if f.Applicability == diagnostics.Unsafe && f.Why != "" {
		a.Title += " (" + f.Why + ")"
	}
	for _, i := range f.Resolves {
		a.Diagnostics = append(a.Diagnostics, s.diagnostic(d, of.of, of.Diagnostics[i]))
	}
	if f.Preferred {
		yes := true
		a.IsPreferred = &yes
	}
	return a
}

// attend are the actions every finding has: silence it here or in the file, read about it.
func (s *session) attend(ctx context.Context, d *document, of *analysis, x diagnostics.Diagnostic) []protocol.CommandOrCodeAction {
	reported := []protocol.Diagnostic{s.diagnostic(d, of.of, x)}
	suppress := func(where string, e text.Edit) protocol.CommandOrCodeAction {
		return &protocol.CodeAction{
			Title: fmt.Sprintf("Suppress %s %s", x.Rule.Name, where), Kind: kind(protocol.CodeActionKindQuickFix),
			Diagnostics: reported, Edit: s.workspaceEdit(viewIn(ctx), d, of.of, []codeactions.FileEdits{{Edits: []text.Edit{e}}}),
		}
	}
	title := "Show documentation of " + x.Rule.Code
	return []protocol.CommandOrCodeAction{
		suppress("on this line", diagnostics.SuppressLine(d.tree, x)),
		suppress("in this file", diagnostics.SuppressFile(d.tree, x)),
		&protocol.CodeAction{
			Title: title, Kind: kind(protocol.CodeActionKindQuickFix), Diagnostics: reported,
			Command: protocol.Command{Title: title, Command: showDocumentation, Arguments: []protocol.LSPAny{protocol.LSPAny(`"` + x.Rule.Code + `"`)}},
		},
	}
}

// fixAll applies all safe fixes; nil when there is none.
func (s *session) fixAll(ctx context.Context, d *document) (protocol.CommandOrCodeAction, error) {
	edits, err := d.fixAll(ctx, viewIn(ctx))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		s.log.Error("fix all failed", zap.String("uri", string(d.uri)), zap.Error(err))
		return nil, nil
	}
	if len(edits) == 0 {
		return nil, nil
	}
	return &protocol.CodeAction{
		Title: "Fix all that ckpt-lsp can fix safely", Kind: kind(fixAllKind),
		Edit: s.workspaceEdit(viewIn(ctx), d, viewIn(ctx), []codeactions.FileEdits{{Edits: edits}}),
	}, nil
}

func kind(k protocol.CodeActionKind) *protocol.CodeActionKind { return &k }

// CodeActionResolve has nothing to add: the edits are there.
func (s *session) CodeActionResolve(_ context.Context, a *protocol.CodeAction) (*protocol.CodeAction, error) {
	return a, nil
}
