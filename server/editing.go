package server

import (
	"strings"

	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// editing is what an open document has besides its snapshots: what incremental reparsing needs, and a goroutine that
// diagnoses. The session's lock guards it.
type editing struct {
	parsed *pyast.Document // nil when the text was declined
	wake   chan struct{}   // says that there is a new version
	stop   chan struct{}   // is closed when the document is
}

func newEditing() *editing {
	return &editing{wake: make(chan struct{}, 1), stop: make(chan struct{})}
}

// parse gives the tree of the text that edits lead to; nil edits mean that all is new.
func (e *editing) parse(source []byte, edits []text.Edit) (tree *pyast.Tree, err error) {
	if edits != nil && e.parsed != nil {
		if tree, err = e.parsed.Edit(edits, source); err == nil {
			return tree, nil
		}
	}
	e.forget()
	parsed, err := pyast.Open(source)
	if err != nil {
		return nil, err
	}
	e.parsed = parsed
	return parsed.Tree(), nil
}

// forget frees the parsed document.
func (e *editing) forget() {
	if e.parsed != nil {
		e.parsed.Close()
		e.parsed = nil
	}
}

// poke has the document diagnosed. Versions that pass while a run is under way are skipped.
func (e *editing) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// open starts a document, or starts it anew if the client opens it twice.
func (s *session) open(d *document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(d.uri)
	e := newEditing()
	s.editing[d.uri] = e
	s.adopt(e, d, nil)
	go s.work(d.uri, e)
}

// written is a version of a document that is one text.
func written(u uri.URI, version int32, src []byte) *document {
	return &document{uri: u, path: pathOf(u), version: version, source: text.NewSource(src), cells: []cell{whole(u, version, src)}}
}

// pathOf is what stands for a URI's path: the path of a file, or the URI itself.
func pathOf(u uri.URI) string {
	if path, ok := filePath(u); ok {
		return path
	}
	return string(u)
}

// adopt makes a new version of a document, which edits of the last lead to, and has it diagnosed. The session's lock is held.
func (s *session) adopt(e *editing, d *document, edits []text.Edit) {
	d.tree, d.problem = e.parse(d.source.Text, edits)
	s.advance(func(next *view) { next.put(d.begun(s.ctx)) })
	e.poke()
}

// drop ends a document, if it is open. The session's lock is held.
func (s *session) drop(u uri.URI) {
	if e := s.editing[u]; e != nil {
		e.forget()
		delete(s.editing, u)
		s.advance(func(next *view) { next.remove(u) })
		close(e.stop) // last: what it wakes looks whether the view still holds the document
	}
}

// cloned is a URI that outlives the message it came in.
func cloned(u uri.URI) uri.URI { return uri.URI(strings.Clone(string(u))) }
