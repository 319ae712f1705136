package server

import (
	"context"

	"go.lsp.dev/protocol"
)

// DidSave needs nothing for the document, whose text is known. A client that does not watch files gives no better moment to
// look whether the configuration or other files changed.
func (s *session) DidSave(context.Context, *protocol.DidSaveTextDocumentParams) error {
	switch {
	case s.watchFiles:
	case s.workspace.Reload():
		s.anew()
	default:
		s.reread(s.view.Load().program.Changed(), true)
	}
	return nil
}
