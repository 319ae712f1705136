package server

import (
	"context"
	"maps"
	"slices"
	"sync"

	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/internal/notebook"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// view is an immutable snapshot of the workspace: the open documents, the program that they and the files on the disk make, and
// what of it is known.
type view struct {
	number  int // of the snapshot, which tells older from newer
	docs    map[uri.URI]*document
	program *project.Program
	// index and files are shared by the snapshots until the configuration or the names on the disk change.
	index *project.Index
	files *listing
	// current lasts until a newer snapshot comes, which supersede says.
	current   context.Context
	supersede context.CancelFunc
	settled   chan struct{} // is closed once all that follows from the snapshot is published
}

// advance makes a snapshot the newest, after change has made it out of the last. The session's lock is held.
func (s *session) advance(change func(next *view)) {
	last := s.view.Load()
	next := &view{number: last.number + 1, docs: maps.Clone(last.docs), program: last.program, index: last.index, files: last.files, settled: make(chan struct{})}
	next.current, next.supersede = context.WithCancel(s.ctx)
	if next.docs == nil {
		next.docs = map[uri.URI]*document{}
	}
	change(next)
	s.view.Store(next)
	last.supersede()
}

// put takes a document in place of its last version, whose analysis is stopped.
func (v *view) put(d *document) {
	if old := v.docs[d.uri]; old != nil {
		old.supersede()
	}
	v.docs[d.uri] = d
	v.program = v.program.With(d.path, d.source, d.tree)
}

// remove gives a document's file back to the disk.
func (v *view) remove(u uri.URI) {
	if old := v.docs[u]; old != nil {
		old.supersede()
		v.program = v.program.Without(old.path)
	}
	delete(v.docs, u)
}

// open are the paths of the documents, sorted.
func (v *view) open() []string {
	var out []string
	for _, d := range v.docs {
		out = append(out, d.path)
	}
	slices.Sort(out)
	return out
}

// at is the open document at a path, nil where there is none.
func (v *view) at(path string) *document {
	if d := v.docs[uri.File(path)]; d != nil && d.path == path {
		return d
	}
	for _, d := range v.docs {
		if d.path == path {
			return d
		}
	}
	return nil
}

type viewKey struct{}

func withView(ctx context.Context, v *view) context.Context {
	return context.WithValue(ctx, viewKey{}, v)
}

// viewIn is the snapshot as it was when the request arrived.
func viewIn(ctx context.Context) *view {
	v, _ := ctx.Value(viewKey{}).(*view)
	return v
}

// documentIn is the document as it was when the request arrived, nil when it is not open.
func documentIn(ctx context.Context, u uri.URI) *document {
	if v := viewIn(ctx); v != nil {
		return v.docs[u]
	}
	return nil
}

// listing is what discovery finds in the workspace. It is made once, when first asked for.
type listing struct {
	once  sync.Once
	paths []string
}

// in gives the Python files below the workspace's root, as check takes them, without the notebooks: editors send those cell by
// cell, and the server has no eyes for cells.
func (l *listing) in(w *project.Workspace) []string {
	l.once.Do(func() {
		paths, _, _ := w.Files([]string{w.Root()})
		l.paths = slices.DeleteFunc(paths, notebook.Is)
	})
	return l.paths
}
