package server

import (
	"context"

	"go.lsp.dev/protocol"
)

// DidOpen takes the document over from the file system.
func (s *session) DidOpen(_ context.Context, p *protocol.DidOpenTextDocumentParams) error {
	if err := namesDocument(p.TextDocument.URI); err != nil {
		return err
	}
	s.open(written(cloned(p.TextDocument.URI), p.TextDocument.Version, []byte(p.TextDocument.Text)))
	return nil
}
