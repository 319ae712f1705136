package server

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
)

// showDocumentation is the command that shows a rule's page; its argument is the rule's code or name.
const showDocumentation = "ckpt-lsp.showDocumentation"

// ExecuteCommand runs the commands that code actions name.
func (s *session) ExecuteCommand(_ context.Context, p *protocol.ExecuteCommandParams) (protocol.LSPAny, error) {
	if p.Command != showDocumentation {
		return nil, jsonrpc2.NewError(jsonrpc2.InvalidParams, "unknown command "+p.Command)
	}
	var ref string
	if len(p.Arguments) != 1 || protocol.Unmarshal(p.Arguments[0], &ref) != nil {
		return nil, jsonrpc2.NewError(jsonrpc2.InvalidParams, showDocumentation+" takes one argument, the rule's code or name")
	}
	rule := diagnostics.Lookup(ref)
	if rule == nil {
		return nil, jsonrpc2.NewError(jsonrpc2.InvalidParams, "there is no rule "+ref)
	}
	return protocol.LSPAny("null"), s.show(rule)
}

// show opens the rule's page as a document where the client can, and as a message where it cannot.
func (s *session) show(rule *diagnostics.Rule) error {
	page := docs.Page(rule)
	if s.showDocument {
		dir, err := os.MkdirTemp("", "ckpt-lsp-")
		if err != nil {
			return fmt.Errorf("making a place for the page: %w", err)
		}
		path := filepath.Join(dir, rule.Code+".md")
		if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
			return fmt.Errorf("writing the page: %w", err)
		}
		result, err := s.client.ShowDocument(s.ctx, &protocol.ShowDocumentParams{URI: uri.File(path)})
		if err == nil && result != nil && result.Success {
			return nil
		}
	}
	return s.client.ShowMessage(s.ctx, &protocol.ShowMessageParams{Type: protocol.MessageTypeInfo, Message: page})
}
