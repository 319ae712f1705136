package server

import (
	"bytes"
	"context"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/internal/insight"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// keyAt is the checkpoint key at a position, with its uses in the document and the files that lead to it; nil where none stands.
func (s *session) keyAt(ctx context.Context, u uri.URI, at protocol.Position) (*document, *insight.Key, error) {
	d, c := documentIn(ctx, u)
	if d == nil || d.tree == nil {
		return nil, nil, nil
	}
	facts, err := d.facts(ctx, viewIn(ctx))
	if err != nil {
		return nil, nil, err
	}
	var keys insight.Keys
	for _, f := range facts {
		keys.Add(f)
	}
	return d, keys.At(d.path, s.units.offset(c, at)), nil
}

// keyEverywhere is keyAt with the uses in all files of the document's folder.
func (s *session) keyEverywhere(ctx context.Context, u uri.URI, at protocol.Position) (*document, *insight.Key, error) {
	d, key, err := s.keyAt(ctx, u, at)
	if key == nil || err != nil {
		return d, nil, err
	}
	v := viewIn(ctx)
	select {
	case <-v.settled: // which files enter which is known
	case <-v.current.Done():
		return nil, nil, protocol.ErrContentModified
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	f := d.folder(v)
	facts, err := f.index.Facts(ctx, f.program, append(s.speaking(v, f, key.Name), d.path)...)
	if err != nil {
		return nil, nil, err
	}
	var keys insight.Keys
	for _, file := range facts {
		keys.Add(file)
	}
	_, c := documentIn(ctx, u)
	return d, keys.At(d.path, s.units.offset(c, at)), nil
}

// speaking are the files of a folder that hold a word, among them all that spell it out as a key.
func (s *session) speaking(v *view, f *folder, word string) []string {
	var out []string
	for _, path := range append(v.open(f), s.closed(v, f)...) {
		src, err := f.program.Unit(path).Source()
		if err == nil && project.Relevant(src.Text) && bytes.Contains(src.Text, []byte(word)) {
			out = append(out, path)
		}
	}
	return out
}

// uses are the places of a key; wanted says which.
func (s *session) uses(v *view, d *document, key *insight.Key, wanted func(insight.Use) bool) []protocol.Location {
	out := []protocol.Location{}
	for _, use := range key.Uses {
		if !wanted(use) {
			continue
		}
		if place, ok := s.location(d, v, use.Path, use.Span); ok {
			out = append(out, place)
		}
	}
	return out
}

// useAt is the use of a key that stands at an offset of the document.
func useAt(d *document, key *insight.Key, at int) (text.Span, bool) {
	for _, use := range key.Uses {
		if use.Path == d.path && !use.Computed && use.Start <= at && at <= use.End {
			return use.Span, true
		}
	}
	return text.Span{}, false
}
