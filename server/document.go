package server

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// document is one version of one open document. Its text and tree do not change; what is found in it does, when other files
// change.
type document struct {
	uri     uri.URI
	path    string
	version int32
	source  *text.Source
	lines   *text.LineIndex
	// tree is nil when the text is declined; problem says why.
	tree    *pyast.Tree
	problem error
	// current lasts until a newer version comes or the document is closed, which supersede says.
	current   context.Context
	supersede context.CancelFunc

	mu    sync.Mutex // guards known, and has one goroutine analyse at a time
	known *analysis
	sent  []byte // the findings as they were published last; publishing guards it
}

// analysis is what is found in a document by way of one snapshot.
type analysis struct {
	*project.Analysis
	of *view

	fixing sync.Once
	fixed  []codeactions.Fix
}

func newDocument(ctx context.Context, u uri.URI, path string, version int32, source []byte, tree *pyast.Tree, problem error) *document {
	d := &document{
		uri: u, path: path, version: version, source: text.NewSource(source), lines: text.NewLineIndex(source), tree: tree, problem: problem,
	}
	d.current, d.supersede = context.WithCancel(ctx)
	return d
}

// again is the same version, not analysed yet.
func (d *document) again(ctx context.Context) *document {
	return newDocument(ctx, d.uri, d.path, d.version, d.source.Text, d.tree, d.problem)
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
	if d.tree == nil {
		problem := project.Problem{Path: d.path, Message: fmt.Sprintf("%v; it is not checked", d.problem)}
		d.known = &analysis{Analysis: &project.Analysis{Path: d.path, Source: d.source, Problems: []project.Problem{problem}}, of: v}
		return nil
	}
	a, err := v.index.Analyze(ctx, v.program, d.path)
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

// fixes are those of the findings; Resolves of a fix are indices into them.
func (a *analysis) fixes() []codeactions.Fix {
	a.fixing.Do(func() {
		if a.Tree != nil {
			a.fixed = codeactions.Fixes(a.Tree, a.Diagnostics)
		}
	})
	return a.fixed
}

// fixAll gives the edits that all safe fixes come to, one after another until nothing changes. It fails with the context, and
// where the fixes do not settle.
func (d *document) fixAll(ctx context.Context, v *view) ([]text.Edit, error) {
	index := v.index.Clone() // what would be is not what is
	if _, err := index.Analyze(ctx, v.program, d.path); err != nil {
		return nil, err
	}
	after, err := index.Fix(ctx, v.program, []string{d.path}, diagnostics.Safe)
	if err != nil || after[0].Err != nil {
		return nil, errors.Join(err, after[0].Err)
	}
	return text.Changes(d.source.Text, after[0].After.Source.Text), nil
}
