package server

import (
	"context"
	"os"
	"path/filepath"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/internal/insight"
)

// DocumentLink leads from the names of checkpoints to the files that exist: beside the program, or in its folder.
func (s *session) DocumentLink(ctx context.Context, p *protocol.DocumentLinkParams) ([]protocol.DocumentLink, error) {
	out := []protocol.DocumentLink{}
	v := viewIn(ctx)
	d, c := documentIn(ctx, p.TextDocument.URI)
	if d == nil || d.tree == nil {
		return out, nil
	}
	facts, err := d.facts(ctx, v)
	if err != nil {
		return nil, err
	}
	for _, name := range insight.Names(facts, d.path) {
		if !c.holds(name.Span) {
			continue
		}
		for _, dir := range []string{filepath.Dir(d.path), d.folder(v).workspace.Root()} {
			path := name.File
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, filepath.FromSlash(path))
			}
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				target := uri.File(path)
				out = append(out, protocol.DocumentLink{Range: s.units.lsp(c, name.Span), Target: &target})
				break
			}
		}
	}
	return out, nil
}
