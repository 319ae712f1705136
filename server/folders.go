package server

import (
	"context"
	"path/filepath"
	"slices"

	"go.lsp.dev/protocol"
)

// DidChangeWorkspaceFolders opens and closes folders. What lies in those that stay is kept.
func (s *session) DidChangeWorkspaceFolders(_ context.Context, p *protocol.DidChangeWorkspaceFoldersParams) error {
	s.mu.Lock()
	s.anew(func(next *view) {
		folders := slices.DeleteFunc(slices.Clone(next.folders), func(f *folder) bool {
			return !f.rooted || slices.ContainsFunc(p.Event.Removed, func(r protocol.WorkspaceFolder) bool {
				path, ok := filePath(r.URI)
				return ok && filepath.Clean(path) == f.workspace.Root()
			})
		})
		for _, a := range p.Event.Added {
			path, ok := filePath(a.URI)
			if ok && !slices.ContainsFunc(folders, func(f *folder) bool { return f.workspace.Root() == filepath.Clean(path) }) {
				folders = append(folders, newFolder(path, true, s.initial))
			}
		}
		if len(folders) == 0 {
			folders = []*folder{noFolder(s.initial)}
		}
		next.folders = folders
	})
	s.mu.Unlock()
	if s.configurable {
		go s.configure()
	}
	return nil
}
