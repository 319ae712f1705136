package project

import (
	"cmp"
	"context"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Rewrites are those of what stands at a place of a file. What one leads to is rewritten again until nothing changes, so that it is
// whole in one edit. It fails only with the context.
func (x *Index) Rewrites(ctx context.Context, p *Program, path string, at text.Span) ([]codeactions.Rewrite, error) {
	rewrites, err := x.rewritesAt(ctx, p, path, at, "")
	if err != nil {
		return nil, err
	}
	for i := range rewrites {
		if len(rewrites[i].Edits) > 0 {
			if rewrites[i], err = x.whole(ctx, p, path, rewrites[i]); err != nil {
				return nil, err
			}
		}
	}
	return rewrites, nil
}

// rewritesAt are the rewrites of one step, all or the one of a name.
func (x *Index) rewritesAt(ctx context.Context, p *Program, path string, at text.Span, name string) ([]codeactions.Rewrite, error) {
	tree, err := p.Unit(path).Tree()
	if err != nil {
		return nil, ctx.Err() // it is not Python
	}
	facts, err := x.Facts(ctx, p, path)
	if err != nil {
		return nil, err
	}
	options, _ := x.workspace.options(path)
	return codeactions.Rewrites(facts, tree, at, options.Torch, name), ctx.Err()
}

// whole is a rewrite with what follows from it, in all the files that it changes.
func (x *Index) whole(ctx context.Context, p *Program, path string, r codeactions.Rewrite) (codeactions.Rewrite, error) {
	refused := codeactions.Rewrite{Name: r.Name, Call: r.Call, Fix: codeactions.Fix{Title: r.Title}, Reason: "it cannot be written here"}
	first, next := p, r
	var changed []string // as the edits name them
	for range mostRounds {
		at := next.Call
		after, ok := p.edited(path, next.Edits)
		if !ok {
			return refused, ctx.Err()
		}
		p = after
		for _, e := range next.Edits {
			if e.Path == "" {
				at = moved(next.Call, e.Edits)
			}
			if !slices.Contains(changed, e.Path) {
				changed = append(changed, e.Path)
			}
		}
		var more []codeactions.Rewrite
		if !r.Once {
			var err error
			if more, err = x.rewritesAt(ctx, p, path, at, r.Name); err != nil {
				return r, err
			}
		}
		i := slices.IndexFunc(more, func(o codeactions.Rewrite) bool { return len(o.Edits) > 0 })
		if i >= 0 {
			if next = more[i]; next.Applicability < r.Applicability {
				r.Applicability, r.Why = diagnostics.Unsafe, next.Why
			}
			continue
		}
		r.Edits = nil
		for _, name := range changed {
			before, _ := first.Unit(cmp.Or(name, path)).Source()
			after, _ := p.Unit(cmp.Or(name, path)).Source()
			edits := before.Changes(after)
			if !before.Accepts(edits) {
				return refused, nil
			}
			r.Edits = append(r.Edits, codeactions.FileEdits{Path: name, Edits: edits})
		}
		return r, nil
	}
	return refused, nil
}

// moved is the place to which edits move the start of a span.
func moved(span text.Span, edits []text.Edit) text.Span {
	at := span.Start
	for _, e := range edits {
		if e.End <= span.Start {
			at += len(e.New) - e.Len()
		}
	}
	return text.Span{Start: at, End: at}
}
