package server

import (
	"context"

	"go.lsp.dev/protocol"
)

// DidSave needs nothing for the document, whose text is known. A client that does not watch files gives no better moment to
// look whether the configuration changed.
func (s *session) DidSave(context.Context, *protocol.DidSaveTextDocumentParams) error {
	if !s.watchFiles {
		s.reload()
	}
	return nil
}
