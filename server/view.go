package server

import (
	"context"
	"maps"
	"slices"

	"go.lsp.dev/uri"
)

// view is an immutable snapshot of the workspace: the open documents, and the folders with the programs that these and the files
// on the disk make.
type view struct {
	number int // of the snapshot, which tells older from newer
	docs   map[uri.URI]*document
	// cells are the documents by the URIs of their cells; a document that is no notebook is a cell of its own.
	cells   map[uri.URI]*document
	folders []*folder // at least one, once the client has said initialize
	// current lasts until a newer snapshot comes, which supersede says.
	current   context.Context
	supersede context.CancelFunc
	settled   chan struct{} // is closed once all that follows from the snapshot is published
}

// advance makes a snapshot the newest, after change has made it out of the last. The session's lock is held.
func (s *session) advance(change func(next *view)) {
	last := s.view.Load()
	next := &view{number: last.number + 1, docs: maps.Clone(last.docs), cells: maps.Clone(last.cells), folders: last.folders, settled: make(chan struct{})}
	next.current, next.supersede = context.WithCancel(s.ctx)
	if next.docs == nil {
		next.docs, next.cells = map[uri.URI]*document{}, map[uri.URI]*document{}
	}
	change(next)
	s.view.Store(next)
	last.supersede()
}

// alter replaces the folders by changed copies.
func (v *view) alter(change func(f *folder)) {
	folders := make([]*folder, len(v.folders))
	for i, f := range v.folders {
		next := *f
		change(&next)
		folders[i] = &next
	}
	v.folders = folders
}

// put takes a document in place of its last version, whose analysis is stopped.
func (v *view) put(d *document) {
	v.forget(d.uri)
	v.docs[d.uri] = d
	for i := range d.cells {
		v.cells[d.cells[i].uri] = d
	}
	v.alter(func(f *folder) { f.program = f.program.With(d.path, d.source, d.tree) })
}

// remove gives a document's file back to the disk.
func (v *view) remove(u uri.URI) {
	if old := v.forget(u); old != nil {
		v.alter(func(f *folder) { f.program = f.program.Without(old.path) })
	}
}

// forget takes a document out of the maps and stops its analysis.
func (v *view) forget(u uri.URI) *document {
	old := v.docs[u]
	if old == nil {
		return nil
	}
	old.supersede()
	delete(v.docs, u)
	for i := range old.cells {
		delete(v.cells, old.cells[i].uri)
	}
	return old
}

// folder is the innermost folder that a path lies in, or the first one.
func (v *view) folder(path string) *folder {
	in := v.folders[0]
	for _, f := range v.folders {
		if f.holds(path) && (!in.holds(path) || len(f.workspace.Root()) > len(in.workspace.Root())) {
			in = f
		}
	}
	return in
}

// open are the paths of the documents that lie in a folder, sorted.
func (v *view) open(in *folder) []string {
	var out []string
	for _, d := range v.docs {
		if v.folder(d.path) == in {
			out = append(out, d.path)
		}
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

// documentIn is the document that a URI of the client leads to, and the cell of it, as they were when the request arrived; nil
// when it is not open, or the server is off for it.
func documentIn(ctx context.Context, u uri.URI) (*document, *cell) {
	v := viewIn(ctx)
	if v == nil {
		return nil, nil
	}
	d := v.cells[u]
	if d == nil || d.off(v) {
		return nil, nil
	}
	return d, d.named(u)
}
