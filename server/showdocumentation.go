package server

import (
	"context"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
	"go.uber.org/zap"

	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
)

// showDocumentation is the command that shows a rule's page; its argument is the rule's code or name.
const showDocumentation = "ckpt-lsp.showDocumentation"

func (s *session) runShowDocumentation(ctx context.Context, arguments []protocol.LSPAny) (any, error) {
	ref, err := argument[string](arguments, showDocumentation+" takes one argument, the rule's code or name")
	if err != nil {
		return nil, err
	}
	rule := s.rules.Lookup(ref)
	if rule == nil {
		return nil, invalid("there is no rule " + ref)
	}
	if s.showDocument {
		if page, ok := s.pages.rule(rule); ok && s.show(ctx, page) {
			return nil, nil
		}
	}
	return nil, s.inform(protocol.MessageTypeInfo, docs.Page(rule))
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
