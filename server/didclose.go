package server

import (
	"context"

	"go.lsp.dev/protocol"
)

// DidClose gives the document back; its goroutine takes the findings back and ends.
func (s *session) DidClose(_ context.Context, p *protocol.DidCloseTextDocumentParams) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(cloned(p.TextDocument.URI))
	return nil
}
