package server

import (
	"context"
	"strings"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
	"go.uber.org/zap"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
)

// showDocumentation is the command that shows the pages of rules; its arguments are their codes or names.
const showDocumentation = "ckpt-lsp.showDocumentation"

func (s *session) runShowDocumentation(ctx context.Context, arguments []protocol.LSPAny) (any, error) {
	var rules []*diagnostics.Rule
	var texts, codes []string
	for _, a := range arguments {
		var ref string
		if protocol.Unmarshal(a, &ref) != nil {
			return nil, invalid(showDocumentation + " takes the codes or names of rules")
		}
		rule := s.rules.Lookup(ref)
		if rule == nil {
			return nil, invalid("there is no rule " + ref)
		}
		rules, texts, codes = append(rules, rule), append(texts, docs.Page(rule)), append(codes, rule.Code)
	}
	if len(rules) == 0 {
		return nil, invalid(showDocumentation + " takes the codes or names of rules")
	}
	text := strings.Join(texts, "\n---\n\n")
	if s.showDocument {
		page, ok := s.pages.rule(rules[0])
		if len(rules) > 1 {
			var err error
			page, err = s.pages.passingPage(strings.Join(codes, "-")+".md", []byte(text))
			ok = err == nil
		}
		if ok && s.show(ctx, page) {
			return nil, nil
		}
	}
	return nil, s.inform(protocol.MessageTypeInfo, text)
}

// show opens a page as a document in a client that can, and reports whether it did.
func (s *session) show(ctx context.Context, page uri.URI) bool {
	result, err := s.client.ShowDocument(ctx, &protocol.ShowDocumentParams{URI: page})
	if err != nil || result == nil || !result.Success {
		s.log.Info("the client did not show a page", zap.String("page", string(page)), zap.Error(err))
		return false
	}
	return true
}
