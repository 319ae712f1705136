package server

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Hover tells of the checkpoint that is saved or loaded at a place, and then of the findings there in a line each, or the rule that a suppression
// comment names.
func (s *session) Hover(ctx context.Context, p *protocol.HoverParams) (*protocol.Hover, error) {
	d, c := documentIn(ctx, p.TextDocument.URI)
	if d == nil || d.tree == nil {
		return nil, nil
	}
	at := s.units.offset(c, p.Position)
	if rule, span := s.ruleInComment(d.tree, at); rule != nil {
		return s.hover(c, docs.Page(rule), span), nil
	}
	a, err := d.analyze(ctx, viewIn(ctx))
	if err != nil {
		return nil, err
	}
	facts, err := d.facts(ctx, viewIn(ctx))
	if err != nil {
		return nil, err
	}
	parts, span := checkpointAt(facts, d, a.Diagnostics, at)
	call := span
	if file, name := s.fileAt(viewIn(ctx), d, facts, at); file != "" {
		parts, span = append([]string{file}, parts...), name
	}
	lines, details := []string{}, []string{}
	for _, x := range a.Diagnostics {
		if !x.Span.Contains(at) {
			continue
		}
		if span.Len() == 0 || x.Span.Len() < span.Len() {
			span = x.Span
		}
		if !s.showsFindings {
			lines = once(lines, line(x))
		}
		if x.Detail != "" {
			details = once(details, x.Detail)
		}
	}
	if call.Len() > 0 {
		if brief := timelineAt(facts, d, call, details); brief != "" {
			parts = append(parts, brief)
		}
	}
	list := strings.Join(lines, "\n")
	switch {
	case list == "":
		parts = append(parts, details...)
	case len(parts) > 0: // a checkpoint's learning rates belong to what is told of it
		parts = append(append(parts, details...), "---", list)
	default:
		parts = append([]string{list}, details...)
	}
	if len(parts) == 0 {
		return nil, nil
	}
	return s.hover(c, strings.Join(parts, "\n\n"), span), nil
}

func (s *session) hover(c *cell, markdown string, span text.Span) *protocol.Hover {
	content := &protocol.MarkupContent{Kind: protocol.MarkupKindMarkdown, Value: flowing(markdown)}
	if s.hoverAsText {
		content = &protocol.MarkupContent{Kind: protocol.MarkupKindPlainText, Value: plainText(content.Value)}
	}
	r := s.units.lsp(c, span)
	return &protocol.Hover{Contents: content, Range: &r}
}

// line is a finding as an item of a list. Why the rule exists is told by its page, to which the finding's code leads.
func line(x diagnostics.Diagnostic) string {
	return fmt.Sprintf("- **%s** %s (%s): %s", x.Rule.Code, x.Rule.Name, x.Severity, x.Message)
}

// once adds a text to those that do not hold it.
func once(texts []string, text string) []string {
	if slices.Contains(texts, text) {
		return texts
	}
	return append(texts, text)
}

var ruleWord = regexp.MustCompile(`[A-Za-z][A-Za-z0-9-]+`)

// ruleInComment is the rule that a comment names at an offset, by code or name.
func (s *session) ruleInComment(tree *pyast.Tree, at int) (*diagnostics.Rule, text.Span) {
	for n := range tree.Root().Descendants() {
		if n.Kind() != pyast.KindComment || !n.Span().Contains(at) {
			continue
		}
		for _, m := range ruleWord.FindAllStringIndex(n.Text(), -1) {
			span := text.Span{Start: n.Start() + m[0], End: n.Start() + m[1]}
			if span.Contains(at) {
				return s.rules.Lookup(n.Text()[m[0]:m[1]]), span
			}
		}
	}
	return nil, text.Span{}
}
