package project

import (
	"context"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Facts are those of what the entry points of files do, and of those files of which it is known that they enter them, tests left
// out. They are gathered anew and are the caller's own. It fails only with the context.
func (x *Index) Facts(ctx context.Context, p *Program, paths ...string) ([]*training.File, error) {
	own := x.Clone()
	var leading []string
	for _, path := range paths {
		for _, path := range own.leadingTo(absolute(path)) {
			if !slices.Contains(leading, path) {
				leading = append(leading, path)
			}
		}
	}
	var out []*training.File
	for _, path := range leading {
		own.Forget(path)
		s := own.trace(ctx, p, path, true)
		if s == nil || s.facts == nil {
			continue
		}
		left := s.left(own.enteredIn(path))
		s.facts.Conclude(func(f *pysem.Func) bool { return slices.Contains(left, f.QualName()) })
		out = append(out, s.facts)
	}
	return out, ctx.Err()
}

// leadingTo are a file and the files whose entry points run functions of it.
func (x *Index) leadingTo(path string) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := []string{path}
	for _, s := range x.states {
		if s.Path != path && !s.Test && len(s.Enters[path]) > 0 {
			out = append(out, s.Path)
		}
	}
	slices.Sort(out[1:])
	return out
}
