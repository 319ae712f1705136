package server

import (
	"context"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
)

// DidSave needs nothing for the document, whose text is known. A client that does not watch files gives no better moment to
// look whether the configuration or other files changed.
func (s *session) DidSave(_ context.Context, p *protocol.DidSaveTextDocumentParams) error {
	s.saved(cloned(p.TextDocument.URI))
	return nil
}

// saved notes that a document is as the disk has it.
func (s *session) saved(u uri.URI) {
	s.mu.Lock()
	if d := s.view.Load().docs[u]; d != nil && d.typed {
		now := d.again(s.ctx)
		now.typed, now.known = false, d.latest()
		s.advance(func(next *view) { next.put(now) })
		if now.folder(s.view.Load()).settings.onSave {
			s.editing[u].poke()
			defer s.refresh()
		}
	}
	s.mu.Unlock()
	if s.watchFiles || s.reload() {
		return
	}
	var changed []string
	for _, f := range s.view.Load().folders {
		changed = append(changed, f.program.Changed()...)
	}
	s.reread(changed, true)
}
