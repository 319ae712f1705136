package server

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
	"go.uber.org/zap"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
)

// showDocumentation is the command that shows a rule's page; its argument is the rule's code or name.
const showDocumentation = "ckpt-lsp.showDocumentation"

// ExecuteCommand runs the commands that code actions name.
func (s *session) ExecuteCommand(ctx context.Context, p *protocol.ExecuteCommandParams) (protocol.LSPAny, error) {
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
	return nil, s.show(ctx, rule)
}

// show opens the rule's page as a document where the client can, and as a message where it cannot.
func (s *session) show(ctx context.Context, rule *diagnostics.Rule) error {
	page := docs.Page(rule)
	if s.showDocument {
		path, err := s.pages.write(rule.Code+".md", page)
		if err != nil {
			return fmt.Errorf("writing the page: %w", err)
		}
		result, err := s.client.ShowDocument(ctx, &protocol.ShowDocumentParams{URI: uri.File(path)})
		if err == nil && result != nil && result.Success {
			return nil
		}
		s.log.Info("the client did not show the page", zap.String("rule", rule.Code), zap.Error(err))
	}
	return s.client.ShowMessage(s.ctx, &protocol.ShowMessageParams{Type: protocol.MessageTypeInfo, Message: page})
}

// pages is a directory of documentation pages, which exists from the first page on until the session ends.
type pages struct {
	mu  sync.Mutex
	dir string
}

// write gives the path of a file that holds the page.
func (p *pages) write(name, page string) (path string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dir == "" {
		if p.dir, err = os.MkdirTemp("", "ckpt-lsp-"); err != nil {
			return "", err
		}
	}
	path = filepath.Join(p.dir, name)
	return path, os.WriteFile(path, []byte(page), 0o600)
}

// remove deletes the directory.
func (p *pages) remove() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dir == "" {
		return nil
	}
	return os.RemoveAll(p.dir)
}
