package server

import (
	"context"
	"path/filepath"
	"slices"

	"go.lsp.dev/protocol"
)

// DidChangeConfiguration reads the configuration files again; the client's own settings hold none for the rules.
func (s *session) DidChangeConfiguration(context.Context, *protocol.DidChangeConfigurationParams) error {
	s.reload()
	return nil
}

// DidChangeWatchedFiles reads the configuration again when one of its files changed.
func (s *session) DidChangeWatchedFiles(_ context.Context, p *protocol.DidChangeWatchedFilesParams) error {
	for _, c := range p.Changes {
		if path, ok := filePath(c.URI); ok && slices.Contains(configurationFiles, filepath.Base(path)) {
			s.reload()
			return nil
		}
	}
	return nil
}

// reload forgets the configuration and diagnoses all open documents anew.
func (s *session) reload() {
	s.workspace.Reload()
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view.Load()
	for _, d := range v.docs {
		v = v.with(d.again(s.ctx))
	}
	s.view.Store(v)
	for _, e := range s.editing {
		e.poke()
	}
}
