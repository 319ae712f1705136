package server

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Hover tells of the checkpoint that is saved or loaded at a place, and explains the findings there, or the rule that a suppression
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
	for _, x := range a.Diagnostics {
		if !x.Span.Contains(at) {
			continue
		}
		if len(parts) == 0 || x.Span.Len() < span.Len() {
			span = x.Span
		}
		parts = append(parts, explain(x))
	}
	if len(parts) == 0 {
		return nil, nil
	}
	return s.hover(c, strings.Join(parts, "\n\n---\n\n"), span), nil
}

func (s *session) hover(c *cell, markdown string, span text.Span) *protocol.Hover {
	content := &protocol.MarkupContent{Kind: protocol.MarkupKindMarkdown, Value: flowing(markdown)}
	if s.hoverAsText {
		content = &protocol.MarkupContent{Kind: protocol.MarkupKindPlainText, Value: plainText(content.Value)}
	}
	r := s.units.lsp(c, span)
	return &protocol.Hover{Contents: content, Range: &r}
}

// explain is a finding in full: the message, its numbers, and why the rule exists.
func explain(x diagnostics.Diagnostic) string {
	parts := []string{fmt.Sprintf("**%s** %s (%s)", x.Rule.Code, x.Rule.Name, x.Severity), x.Message}
	if x.Detail != "" {
		parts = append(parts, x.Detail)
	}
	for _, section := range docs.Sections(x.Rule) {
		if section.Title == "Why it matters" {
			parts = append(parts, section.Markdown)
		}
	}
	return strings.Join(parts, "\n\n")
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
