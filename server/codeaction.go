package server

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// CodeAction offers the fixes of the findings that touch the range; what the client says of diagnostics is not needed. Edits
// are inline, because not every client resolves.
func (s *session) CodeAction(ctx context.Context, p *protocol.CodeActionParams) ([]protocol.CommandOrCodeAction, error) {
	d := documentIn(ctx, p.TextDocument.URI)
	if d == nil || d.tree == nil {
		return nil, nil
	}
	found, fixes := d.fixesOf(s.workspace)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	at := s.span(d.lines, p.Range)
	touched := map[int]bool{}
	for i, x := range found {
		touched[i] = x.Span.Overlaps(at)
	}
	out := []protocol.CommandOrCodeAction{}
	if wanted(p.Context.Only, protocol.CodeActionKindQuickFix) {
		for _, f := range fixes {
			if slices.ContainsFunc(f.Resolves, func(i int) bool { return touched[i] }) {
				out = append(out, s.quickFix(d, found, f))
			}
		}
		for i, x := range found {
			if touched[i] {
				out = append(out, s.attend(d, x)...)
			}
		}
	}
	// Without a filter the client asks for a menu at the cursor, where an action on the whole file has no place.
	if len(p.Context.Only) > 0 && wanted(p.Context.Only, fixAllKind) {
		if a := s.fixAll(d, fixes); a != nil {
			out = append(out, a)
		}
	}
	return out, nil
}

// wanted says whether a kind is among those asked for; a kind covers its sub-kinds.
func wanted(only []protocol.CodeActionKind, kind protocol.CodeActionKind) bool {
	if len(only) == 0 {
		return true
	}
	return slices.ContainsFunc(only, func(k protocol.CodeActionKind) bool {
		return k == "" || k == kind || strings.HasPrefix(string(kind), string(k)+".")
	})
}

func (s *session) quickFix(d *document, found []diagnostics.Diagnostic, f codeactions.Fix) *protocol.CodeAction {
	kind := protocol.CodeActionKindQuickFix
	a := &protocol.CodeAction{Title: f.Title, Kind: &kind, Edit: s.workspaceEdit(d, f.Edits)}
	if f.Applicability == diagnostics.Unsafe && f.Why != "" {
		a.Title += " (" + f.Why + ")"
	}
	for _, i := range f.Resolves {
		a.Diagnostics = append(a.Diagnostics, s.diagnostic(d, found[i]))
	}
	if f.Preferred {
		yes := true
		a.IsPreferred = &yes
	}
	return a
}

// attend are the actions every finding has: silence it here or in the file, read about it.
func (s *session) attend(d *document, x diagnostics.Diagnostic) []protocol.CommandOrCodeAction {
	kind := protocol.CodeActionKindQuickFix
	reported := []protocol.Diagnostic{s.diagnostic(d, x)}
	edit := func(title string, e text.Edit) protocol.CommandOrCodeAction {
		return &protocol.CodeAction{Title: title, Kind: &kind, Diagnostics: reported, Edit: s.workspaceEdit(d, []codeactions.FileEdits{{Edits: []text.Edit{e}}})}
	}
	argument, err := protocol.Marshal(x.Rule.Code)
	out := []protocol.CommandOrCodeAction{
		edit(fmt.Sprintf("Suppress %s on this line", x.Rule.Name), diagnostics.SuppressLine(d.tree, x)),
		edit(fmt.Sprintf("Suppress %s in this file", x.Rule.Name), diagnostics.SuppressFile(d.tree, x)),
	}
	if err == nil {
		title := fmt.Sprintf("Show documentation of %s", x.Rule.Code)
		out = append(out, &protocol.CodeAction{
			Title: title, Kind: &kind, Diagnostics: reported,
			Command: protocol.Command{Title: title, Command: showDocumentation, Arguments: []protocol.LSPAny{argument}},
		})
	}
	return out
}

// fixAll applies all safe fixes that go together; applying it again takes what is left.
func (s *session) fixAll(d *document, fixes []codeactions.Fix) *protocol.CodeAction {
	chosen := codeactions.Compatible(fixes, diagnostics.Safe)
	if len(chosen) == 0 {
		return nil
	}
	var edits []codeactions.FileEdits
	for _, f := range chosen {
		edits = append(edits, f.Edits...)
	}
	kind := fixAllKind
	return &protocol.CodeAction{Title: "Fix all that ckpt-lsp can fix safely", Kind: &kind, Edit: s.workspaceEdit(d, edits)}
}

// CodeActionResolve has nothing to add: the edits are there.
func (s *session) CodeActionResolve(_ context.Context, a *protocol.CodeAction) (*protocol.CodeAction, error) {
	return a, nil
}

// workspaceEdit is edits in LSP's words, tied to the document's version where the client can check it.
func (s *session) workspaceEdit(d *document, edits []codeactions.FileEdits) *protocol.WorkspaceEdit {
	byURI := map[uri.URI][]text.Edit{}
	for _, e := range edits {
		u := d.uri
		if e.Path != "" && e.Path != d.path {
			u = uri.File(e.Path)
		}
		byURI[u] = append(byURI[u], e.Edits...)
	}
	out := &protocol.WorkspaceEdit{}
	if !s.documentChanges {
		out.Changes = map[uri.URI][]protocol.TextEdit{}
	}
	for u, list := range byURI {
		target := d
		if u != d.uri {
			if target = s.view.Load().docs[u]; target == nil {
				continue
			}
		}
		slices.SortStableFunc(list, func(a, b text.Edit) int { return a.Start - b.Start })
		if !s.documentChanges {
			for _, e := range list {
				out.Changes[u] = append(out.Changes[u], protocol.TextEdit{Range: s.lspRange(target.lines, e.Span), NewText: e.New})
			}
			continue
		}
		version := target.version
		change := &protocol.TextDocumentEdit{TextDocument: protocol.OptionalVersionedTextDocumentIdentifier{Version: &version}}
		change.TextDocument.URI = u
		for _, e := range list {
			change.Edits = append(change.Edits, &protocol.TextEdit{Range: s.lspRange(target.lines, e.Span), NewText: e.New})
		}
		out.DocumentChanges = append(out.DocumentChanges, change)
	}
	return out
}
