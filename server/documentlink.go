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
		if path := d.existing(v, name.File); path != "" {
			target := uri.File(path)
			out = append(out, protocol.DocumentLink{Range: s.units.lsp(c, name.Span), Target: &target})
		}
	}
	return out, nil
}

// existing is the file that a checkpoint's name leads to: beside the program, or in its folder; "" where there is none.
func (d *document) existing(v *view, name string) string {
	for _, dir := range []string{filepath.Dir(d.path), d.folder(v).workspace.Root()} {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, filepath.FromSlash(path))
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}
