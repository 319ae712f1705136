package server

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// CodeAction offers what can be done about the findings that touch the range, and with the call that stands there. Edits are
// inline for clients that do not resolve them.
func (s *session) CodeAction(ctx context.Context, p *protocol.CodeActionParams) ([]protocol.CommandOrCodeAction, error) {
	out := []protocol.CommandOrCodeAction{}
	d, c := documentIn(ctx, p.TextDocument.URI)
	if d == nil || d.tree == nil {
		return out, nil
	}
	offers, err := s.offers(ctx, d, c, p)
	if err != nil {
		return nil, err
	}
	for _, o := range offers {
		a, err := s.announced(o, c)
		if err != nil {
			return nil, err
		}
		if a != nil {
			out = append(out, a)
		}
	}
	return out, nil
}

// offer is an action without its edit.
type offer struct {
	*protocol.CodeAction
	// at is a range that the offer is made for: of a finding that it is about, or else what was asked about.
	at protocol.Range
	// edit is nil for an action that is a command or disabled. It gives nil where there is nothing to change after all, and fails
	// with the context.
	edit func() (*protocol.WorkspaceEdit, error)
	// after is the document's text that it leads to, nil where that is not known.
	after []byte
}

// result is the document's text after edits to nothing but it, else nil.
func (d *document) result(edits []codeactions.FileEdits) []byte {
	var own []text.Edit
	for _, e := range edits {
		if e.Path != "" && e.Path != d.path {
			return nil
		}
		own = append(own, e.Edits...)
	}
	after, err := text.Apply(d.source.Text, own)
	if err != nil {
		return nil
	}
	return after
}

// ready is an edit that is known already.
func ready(e *protocol.WorkspaceEdit) func() (*protocol.WorkspaceEdit, error) {
	return func() (*protocol.WorkspaceEdit, error) { return e, nil }
}

// offers are what is offered in a cell of a document.
func (s *session) offers(ctx context.Context, d *document, c *cell, p *protocol.CodeActionParams) ([]offer, error) {
	var out []offer
	// Fixes over several files need the texts as they are now: what was found before another file was opened has its old one.
	a, err := d.asOf(ctx, viewIn(ctx))
	if err != nil {
		return nil, err
	}
	found := a.Diagnostics
	fixes := wanted(p.Context.Only, protocol.CodeActionKindQuickFix)
	meant := s.meant(c, found, p)
	if fixes {
		for i, f := range a.fixes() {
			first := slices.IndexFunc(f.Resolves, func(i int) bool { return meant[i] })
			if first < 0 {
				continue
			}
			if f, err = a.try(ctx, d, i); err != nil {
				return nil, err
			}
			if edit := s.workspaceEdit(viewIn(ctx), d, a.of, f.Edits); edit != nil {
				out = append(out, offer{s.quickFix(d, a, f), s.units.lsp(c, found[f.Resolves[first]].Span), ready(edit), d.result(f.Edits)})
			}
		}
	}
	if wanted(p.Context.Only, protocol.CodeActionKindRefactorRewrite) {
		rewrites, err := s.rewrites(ctx, d, c, p)
		if err != nil {
			return nil, err
		}
		for _, r := range rewrites { // one that does what a fix does is not offered twice
			same := func(o offer) bool { return o.Title == r.Title || r.after != nil && bytes.Equal(o.after, r.after) }
			if !slices.ContainsFunc(out, same) {
				out = append(out, r)
			}
		}
	}
	if fixes && d.folder(viewIn(ctx)).settings.ruleActions {
		for _, statement := range byStatement(d, found, meant) {
			out = append(out, s.attend(ctx, d, a, statement)...)
		}
	}
	// Without a filter the client asks for a menu at the cursor, where an action on the whole file has no place.
	if len(p.Context.Only) > 0 && wanted(p.Context.Only, fixAllKind) {
		fixable, err := d.fixable(ctx, viewIn(ctx))
		if err != nil {
			return nil, err
		}
		if fixable {
			out = append(out, offer{
				CodeAction: &protocol.CodeAction{Title: fixAllTitle, Kind: kind(fixAllKind)}, at: p.Range,
				edit: func() (*protocol.WorkspaceEdit, error) { return s.fixAll(ctx, d) },
			})
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

func (s *session) quickFix(d *document, of *analysis, f codeactions.Fix) *protocol.CodeAction {
	a := &protocol.CodeAction{Title: title(f), Kind: kind(protocol.CodeActionKindQuickFix)}
	for _, i := range f.Resolves {
		a.Diagnostics = append(a.Diagnostics, s.diagnostic(d, of.of, of.Diagnostics[i]))
	}
	if f.Preferred {
		yes := true
		a.IsPreferred = &yes
	}
	return a
}

// title is a fix's title, with what an unsafe one may change.
func title(f codeactions.Fix) string {
	if f.Applicability == diagnostics.Unsafe && f.Why != "" {
		return f.Title + " (" + f.Why + ")"
	}
	return f.Title
}

// byStatement are the findings that are meant, those of one statement together.
func byStatement(d *document, found []diagnostics.Diagnostic, meant map[int]bool) [][]diagnostics.Diagnostic {
	var out [][]diagnostics.Diagnostic
	at := map[int]int{} // a statement's place in out, by its end
	for i, x := range found {
		if !meant[i] {
			continue
		}
		end := diagnostics.StatementEnd(d.tree, x.Span.Start)
		place, known := at[end]
		if !known {
			place, at[end] = len(out), len(out)
			out = append(out, nil)
		}
		out[place] = append(out[place], x)
	}
	return out
}

// attend are the actions that the findings of every statement have: silence them there or in the file, read about their rules. They
// carry their edits, which cost nothing to compute.
func (s *session) attend(ctx context.Context, d *document, of *analysis, found []diagnostics.Diagnostic) []offer {
	var reported []protocol.Diagnostic
	var names, codes []string
	var arguments []protocol.LSPAny
	for _, x := range found {
		reported = append(reported, s.diagnostic(d, of.of, x))
		if !slices.Contains(codes, x.Rule.Code) {
			names, codes = append(names, x.Rule.Name), append(codes, x.Rule.Code)
			arguments = append(arguments, protocol.LSPAny(`"`+x.Rule.Code+`"`))
		}
	}
	quiet := func(title string) *protocol.CodeAction {
		return &protocol.CodeAction{Title: title, Kind: kind(protocol.CodeActionKindQuickFix), Diagnostics: reported}
	}
	suppress := func(where string, edits ...text.Edit) offer {
		a := quiet(fmt.Sprintf("Suppress %s %s", few(names), where))
		a.Edit = s.workspaceEdit(viewIn(ctx), d, of.of, []codeactions.FileEdits{{Edits: edits}})
		return offer{CodeAction: a}
	}
	read := quiet("Show documentation of " + few(codes))
	read.Command = protocol.Command{Title: read.Title, Command: showDocumentation, Arguments: arguments}
	return []offer{
		suppress("on this line", diagnostics.SuppressLines(d.tree, found, s.rules, "")...),
		suppress("in this file", diagnostics.SuppressFile(d.tree, found, s.rules)),
		{CodeAction: read},
	}
}

// few names up to two rules, and counts more.
func few(rules []string) string {
	if len(rules) > 2 {
		return fmt.Sprintf("%s and %d more rules", rules[0], len(rules)-1)
	}
	return strings.Join(rules, " and ")
}

func kind(k protocol.CodeActionKind) *protocol.CodeActionKind { return &k }
