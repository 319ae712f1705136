package server

import (
	"context"
	"path/filepath"
	"slices"

	"go.lsp.dev/protocol"
)

// DidChangeWatchedFiles reads the files again that changed on the disk; the configuration too when it is one of its files.
func (s *session) DidChangeWatchedFiles(_ context.Context, p *protocol.DidChangeWatchedFilesParams) error {
	var changed []string
	renamed, configured := false, false
	for _, c := range p.Changes {
		path, ok := filePath(c.URI)
		if !ok {
			continue
		}
		configured = configured || matchesAny(configurationFiles, filepath.Base(path)) || slices.Contains(s.named(), filepath.Base(path))
		if matchesAny(pythonFiles, filepath.Base(path)) {
			changed = append(changed, path)
			renamed = renamed || c.Type != protocol.FileChangeTypeChanged
		}
	}
	if len(changed) > 0 {
		s.reread(changed, renamed)
	}
	if configured {
		s.reload()
	}
	return nil
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := filepath.Match(p, name) // the patterns are sound
		return ok
	})
}

// reread makes a snapshot in which files are as the disk holds them now; renamed says that some are new or gone.
func (s *session) reread(paths []string, renamed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(func(next *view) {
		next.alter(func(f *folder) {
			f.program = f.program.Reread(paths...)
			if renamed {
				f.files = newListing()
			}
		})
	})
}
