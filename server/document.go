package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// document is one version of one open document. Its text and tree do not change; what is found in it does, when other files
// change.
type document struct {
	uri     uri.URI
	path    string
	version int32
	source  *text.Source
	cells   []cell // in their order; of a notebook those that are Python
	book    *book  // nil for a document that is no notebook
	typed   bool   // holds what was not saved
	// tree is nil when the text is declined; problem says why.
	tree    *pyast.Tree
	problem error
	// current lasts until a newer version comes or the document is closed, which supersede says.
	current   context.Context
	supersede context.CancelFunc

	mu    sync.Mutex // guards known, and has one goroutine analyse at a time
	known *analysis
}

// cell is a part of a document that has a URI and a version of its own: a notebook's cell, or else all of the document.
type cell struct {
	uri     uri.URI
	version int32
	span    text.Span       // in the document's text
	lines   *text.LineIndex // of the cell's own text
}

// holds reports whether a span of the document starts in the cell.
func (c *cell) holds(s text.Span) bool { return c.span.Contains(s.Start) || s.Start == c.span.End }

// whole is a text that stands in one cell.
func whole(u uri.URI, version int32, src []byte) cell {
	return cell{u, version, text.Span{End: len(src)}, text.NewLineIndex(src)}
}

// analysis is what is found in a document by way of one snapshot.
type analysis struct {
	*project.Analysis
	of *view

	fixing sync.Once
	fixed  []codeactions.Fix

	trying sync.Mutex
	tried  map[int]codeactions.Fix // see try
}

// begun is the document with a life of its own.
func (d *document) begun(ctx context.Context) *document {
	d.current, d.supersede = context.WithCancel(ctx)
	return d
}

// again is the same version, not analysed yet.
func (d *document) again(ctx context.Context) *document {
	next := &document{uri: d.uri, path: d.path, version: d.version, source: d.source, cells: d.cells, book: d.book, typed: d.typed, tree: d.tree, problem: d.problem}
	return next.begun(ctx)
}

// named is the cell that a URI names, nil for none.
func (d *document) named(u uri.URI) *cell {
	if d == nil {
		return nil
	}
	i := slices.IndexFunc(d.cells, func(c cell) bool { return c.uri == u })
	if i < 0 {
		return nil
	}
	return &d.cells[i]
}

// cell is the cell that holds an offset. There is none in an empty notebook alone, where nothing is found.
func (d *document) cell(offset int) *cell {
	i, _ := slices.BinarySearchFunc(d.cells, offset+1, func(c cell, at int) int { return c.span.Start - at })
	return &d.cells[max(i-1, 0)]
}

// folder is the one that the document lies in, in a snapshot that holds it.
func (d *document) folder(v *view) *folder { return v.folder(d.path) }

// off reports whether the settings turn the server off for the document, or the configuration excludes it.
func (d *document) off(v *view) bool {
	f := d.folder(v)
	return !f.settings.enable || f.workspace.Excluded(d.path, false)
}

// analyze gives what is known of the document, and finds it in a snapshot that holds it where nothing is. It fails only with
// the context.
func (d *document) analyze(ctx context.Context, v *view) (*analysis, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil {
		if err := d.find(ctx, v); err != nil {
			return nil, err
		}
	}
	return d.known, nil
}

// asOf gives what is known of the document in a snapshot that is no older than the one given. It fails only with the context.
func (d *document) asOf(ctx context.Context, v *view) (*analysis, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil || d.known.of.number < v.number {
		if err := d.find(ctx, v); err != nil {
			return nil, err
		}
	}
	return d.known, nil
}

// renew finds again what is to be found in a snapshot newer than the one that is known. It fails only with the context.
func (d *document) renew(ctx context.Context, v *view) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known != nil && d.known.of.number > v.number {
		return nil
	}
	return d.find(ctx, v)
}

// find analyses the document. The lock is held.
func (d *document) find(ctx context.Context, v *view) error {
	if d.off(v) {
		d.known = &analysis{Analysis: &project.Analysis{Path: d.path, Source: d.source}, of: v}
		return nil
	}
	if d.tree == nil {
		problem := project.Problem{Path: d.path, Message: fmt.Sprintf("%v; it is not checked", d.problem)}
		d.known = &analysis{Analysis: &project.Analysis{Path: d.path, Source: d.source, Problems: []project.Problem{problem}}, of: v}
		return nil
	}
	f := d.folder(v)
	a, err := f.index.Analyze(ctx, f.program, d.path)
	if err == nil {
		d.known = &analysis{Analysis: a, of: v}
	}
	return err
}

// latest is what is known of the document, nil for nothing.
func (d *document) latest() *analysis {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known
}

// facts are those of the file in a snapshot that holds the document, and of the files that lead to it. They are the caller's own.
func (d *document) facts(ctx context.Context, v *view) ([]*training.File, error) {
	f := d.folder(v)
	return f.index.Facts(ctx, f.program, d.path)
}

// fixes are those of the findings; Resolves of a fix are indices into them.
func (a *analysis) fixes() []codeactions.Fix {
	a.fixing.Do(func() {
		if a.Tree != nil {
			a.fixed = a.Fixes()
		}
	})
	return a.fixed
}

// try is a fix as it is offered: a safe one that makes way for an error or a warning is not safe. That is asked once, and only of fixes
// that somebody wants to see. It fails only with the context.
func (a *analysis) try(ctx context.Context, d *document, fix int) (codeactions.Fix, error) {
	a.trying.Lock()
	defer a.trying.Unlock()
	if f, known := a.tried[fix]; known {
		return f, nil
	}
	f := a.fixes()[fix]
	if f.Applicability == diagnostics.Safe {
		folder := d.folder(a.of)
		more, err := folder.index.Introduces(ctx, folder.program, d.path, f)
		if err != nil {
			return f, err
		}
		if len(more) > 0 {
			f.Applicability, f.Preferred = diagnostics.Unsafe, false
			f.Why = fmt.Sprintf("%s %s follows", more[0].Rule.Code, more[0].Rule.Name)
		}
	}
	if a.tried == nil {
		a.tried = map[int]codeactions.Fix{}
	}
	a.tried[fix] = f
	return f, nil
}

// fixable says that something can be fixed safely in the document alone. What is known of it will not do: the files that lead to
// findings in it may have been read since. It fails only with the context.
func (d *document) fixable(ctx context.Context, v *view) (bool, error) {
	f := d.folder(v)
	a, err := f.index.CloneFor(f.program).Analyze(ctx, f.program, d.path)
	if err != nil || a.Tree == nil {
		return false, err
	}
	return slices.ContainsFunc(codeactions.Compatible(a.Fixes(), diagnostics.Safe), func(f codeactions.Fix) bool {
		return len(f.Edits) == 1 && (f.Edits[0].Path == "" || f.Edits[0].Path == d.path)
	}), nil
}

// fixAll gives the edits that all safe fixes come to, one after another until nothing changes. It fails with the context, and
// where the fixes do not settle.
func (d *document) fixAll(ctx context.Context, v *view) ([]text.Edit, error) {
	f := d.folder(v)
	index := f.index.CloneFor(f.program) // what would be is not what is
	if _, err := index.Analyze(ctx, f.program, d.path); err != nil {
		return nil, err
	}
	after, err := index.Fix(ctx, f.program, []string{d.path}, diagnostics.Safe)
	if err != nil || after[0].Err != nil {
		return nil, errors.Join(err, after[0].Err)
	}
	return d.source.Changes(after[0].After.Source), nil
}
