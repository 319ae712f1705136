package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// view is an immutable snapshot of all open documents.
type view struct{ docs map[uri.URI]*document }

// with is the view with a document in place of its last version, whose analysis is stopped.
func (v *view) with(d *document) *view {
	if old := v.docs[d.uri]; old != nil {
		old.supersede()
	}
	docs := make(map[uri.URI]*document, len(v.docs)+1)
	maps.Copy(docs, v.docs)
	docs[d.uri] = d
	return &view{docs}
}

// without is the view without a document.
func (v *view) without(u uri.URI) *view {
	if old := v.docs[u]; old != nil {
		old.supersede()
	}
	docs := maps.Clone(v.docs)
	delete(docs, u)
	return &view{docs}
}

type viewKey struct{}

func withView(ctx context.Context, v *view) context.Context {
	return context.WithValue(ctx, viewKey{}, v)
}

// documentIn is the document as it was when the request arrived, nil when it is not open.
func documentIn(ctx context.Context, u uri.URI) *document {
	v, _ := ctx.Value(viewKey{}).(*view)
	if v == nil {
		return nil
	}
	return v.docs[u]
}

// document is one version of one open document. Its text and tree do not change; the analysis is made once, when first asked
// for, and used by one goroutine at a time.
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

	mu       sync.Mutex
	analysis *project.Analysis
	fixes    []codeactions.Fix
	fixed    bool
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

// analyze gives the findings. It fails only with the context.
func (d *document) analyze(ctx context.Context, w *project.Workspace) (*project.Analysis, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.analyzeLocked(ctx, w)
}

func (d *document) analyzeLocked(ctx context.Context, w *project.Workspace) (*project.Analysis, error) {
	if d.analysis != nil {
		return d.analysis, nil
	}
	if d.tree == nil {
		problem := project.Problem{Path: d.path, Message: fmt.Sprintf("%v; it is not checked", d.problem)}
		d.analysis = &project.Analysis{Path: d.path, Source: d.source, Problems: []project.Problem{problem}}
		return d.analysis, nil
	}
	a, err := project.NewIndex(w).Analyze(ctx, project.NewProgram(w).With(d.path, d.source, d.tree), d.path)
	if err != nil {
		return nil, err
	}
	d.analysis = a
	return a, nil
}

// fixesOf gives the findings and their fixes; Resolves of a fix are indices into the findings. It fails only with the context.
func (d *document) fixesOf(ctx context.Context, w *project.Workspace) ([]diagnostics.Diagnostic, []codeactions.Fix, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, err := d.analyzeLocked(ctx, w)
	if err != nil {
		return nil, nil, err
	}
	if !d.fixed && a.Tree != nil {
		d.fixed = true
		d.fixes = codeactions.Fixes(a.Tree, a.Diagnostics)
	}
	return a.Diagnostics, d.fixes, ctx.Err()
}

// fixAll gives the edits that all safe fixes come to, one after another until nothing changes. It fails with the context, and
// where the fixes do not settle.
func (d *document) fixAll(ctx context.Context, w *project.Workspace) ([]text.Edit, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, err := d.analyzeLocked(ctx, w)
	if err != nil {
		return nil, err
	}
	after, err := project.NewIndex(w).Fix(ctx, project.NewProgram(w).With(d.path, d.source, d.tree), []string{d.path}, diagnostics.Safe)
	if err != nil || after[0].Err != nil {
		return nil, errors.Join(err, after[0].Err)
	}
	return text.Changes(a.Source.Text, after[0].After.Source.Text), nil
}
