package server

import (
	"context"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// DidChangeConfiguration reads the configuration files again; the client's own settings hold none for the rules.
func (s *session) DidChangeConfiguration(context.Context, *protocol.DidChangeConfigurationParams) error {
	s.reload()
	return nil
}

func (s *session) reload() {
	s.workspace.Reload()
	s.anew()
}

// anew forgets what was found and diagnoses all open documents.
func (s *session) anew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(func(next *view) {
		next.index, next.files = project.NewIndex(s.workspace), &listing{}
		for _, d := range next.docs {
			next.put(d.again(s.ctx))
		}
	})
	for _, e := range s.editing {
		e.poke()
	}
}
