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
func (s *session) open(u uri.URI, version int32, source []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(u)
	e := newEditing()
	s.editing[u] = e
	s.adopt(e, u, version, source, nil)
	go s.work(u, e)
}

// adopt makes a new version of a document and has it diagnosed.
func (s *session) adopt(e *editing, u uri.URI, version int32, source []byte, edits []text.Edit) {
	tree, err := e.parse(source, edits)
	path, ok := filePath(u)
	if !ok {
		path = string(u)
	}
	s.advance(func(next *view) { next.put(newDocument(s.ctx, u, path, version, source, tree, err)) })
	e.poke()
}

// drop ends a document, if it is open.
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
