package server

import (
	"context"
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

func (v *view) with(d *document) *view {
	docs := make(map[uri.URI]*document, len(v.docs)+1)
	maps.Copy(docs, v.docs)
	docs[d.uri] = d
	return &view{docs}
}

func (v *view) without(u uri.URI) *view {
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

	mu       sync.Mutex
	analysis *project.Analysis
	fixes    []codeactions.Fix
	fixed    bool
}

func newDocument(u uri.URI, path string, version int32, source []byte, tree *pyast.Tree, problem error) *document {
	return &document{
		uri: u, path: path, version: version, source: text.NewSource(source), lines: text.NewLineIndex(source), tree: tree, problem: problem,
	}
}

// again is the same version, not analysed yet.
func (d *document) again() *document {
	return &document{uri: d.uri, path: d.path, version: d.version, source: d.source, lines: d.lines, tree: d.tree, problem: d.problem}
}

// analyze gives the findings.
func (d *document) analyze(w *project.Workspace) *project.Analysis {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.analyzeLocked(w)
}

func (d *document) analyzeLocked(w *project.Workspace) *project.Analysis {
	switch {
	case d.analysis != nil:
	case d.tree == nil:
		problem := project.Problem{Path: d.path, Message: fmt.Sprintf("%v; it is not checked", d.problem)}
		d.analysis = &project.Analysis{Path: d.path, Source: d.source, Problems: []project.Problem{problem}}
	default:
		d.analysis = w.Analyze(d.path, d.source, d.tree)
	}
	return d.analysis
}

// fixesOf gives the findings and their fixes; Resolves of a fix are indices into the findings.
func (d *document) fixesOf(w *project.Workspace) ([]diagnostics.Diagnostic, []codeactions.Fix) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.analyzeLocked(w)
	if !d.fixed && a.Facts != nil {
		d.fixed = true
		d.fixes = codeactions.Fixes(a.Facts, a.Diagnostics)
	}
	return a.Diagnostics, d.fixes
}
