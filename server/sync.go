package server

import (
	"context"
	"fmt"
	"strings"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// editing is what incremental reparsing of an open document needs. Only notifications, which are handled in order, touch it.
type editing struct {
	parsed *pyast.Document
	wake   chan struct{} // tells the document's worker that there is a new version
	stop   chan struct{}
}

// DidOpen takes the document over from the file system.
func (s *session) DidOpen(_ context.Context, p *protocol.DidOpenTextDocumentParams) error {
	u := cloned(p.TextDocument.URI)
	s.close(u)
	s.adopt(u, p.TextDocument.Version, []byte(p.TextDocument.Text), nil)
	return nil
}

// cloned is a URI that outlives the message it came in.
func cloned(u uri.URI) uri.URI { return uri.URI(strings.Clone(string(u))) }

// adopt makes a new version of a document. edits lead from the last version to source; nil means that all is new.
func (s *session) adopt(u uri.URI, version int32, source []byte, edits []text.Edit) {
	s.mu.Lock()
	e := s.editing[u]
	if e == nil {
		e = &editing{wake: make(chan struct{}, 1), stop: make(chan struct{})}
		s.editing[u] = e
		go s.work(u, e)
	}
	var tree *pyast.Tree
	var err error
	if edits != nil && e.parsed != nil {
		tree, err = e.parsed.Edit(edits, source)
	} else {
		if e.parsed != nil {
			e.parsed.Close()
			e.parsed = nil
		}
		var parsed *pyast.Document
		if parsed, err = pyast.Open(source); err == nil {
			e.parsed = parsed
			tree = parsed.Tree()
		}
	}
	if err != nil && e.parsed != nil {
		e.parsed.Close()
		e.parsed = nil
	}
	path, ok := filePath(u)
	if !ok {
		path = string(u)
	}
	s.view.Store(s.view.Load().with(newDocument(u, path, version, source, tree, err)))
	s.mu.Unlock()
	e.poke()
}

func (e *editing) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// DidChange applies the edits in order, each to the text that those before it left.
func (s *session) DidChange(_ context.Context, p *protocol.DidChangeTextDocumentParams) error {
	u := cloned(p.TextDocument.URI)
	old := s.view.Load().docs[u]
	if old == nil {
		return fmt.Errorf("didChange of %s, which is not open", u)
	}
	source, edits := old.source.Text, []text.Edit{}
	for i, change := range p.ContentChanges {
		switch c := change.(type) {
		case *protocol.TextDocumentContentChangeWholeDocument:
			source, edits = []byte(c.Text), nil
		case *protocol.TextDocumentContentChangePartial:
			lines := old.lines
			if i > 0 {
				lines = text.NewLineIndex(source)
			}
			span := s.span(lines, c.Range)
			if span.End < span.Start {
				span.Start, span.End = span.End, span.Start
			}
			edit := text.Edit{Span: span, New: strings.Clone(c.Text)}
			next := make([]byte, 0, len(source)+len(edit.New)-span.Len())
			next = append(append(append(next, source[:span.Start]...), edit.New...), source[span.End:]...)
			source = next
			if edits != nil {
				edits = append(edits, edit)
			}
		}
	}
	s.adopt(u, p.TextDocument.Version, source, edits)
	return nil
}

// span is an LSP range in bytes, clamped to the text.
func (s *session) span(lines *text.LineIndex, r protocol.Range) text.Span {
	return text.Span{
		Start: lines.Offset(int(r.Start.Line), int(r.Start.Character), s.encoding),
		End:   lines.Offset(int(r.End.Line), int(r.End.Character), s.encoding),
	}
}

// lspRange is a span as an LSP range.
func (s *session) lspRange(lines *text.LineIndex, span text.Span) protocol.Range {
	position := func(offset int) protocol.Position {
		line, character := lines.Position(offset, s.encoding)
		return protocol.Position{Line: uint32(line), Character: uint32(character)}
	}
	return protocol.Range{Start: position(span.Start), End: position(span.End)}
}

// DidSave needs nothing: the text is known.
func (s *session) DidSave(context.Context, *protocol.DidSaveTextDocumentParams) error { return nil }

// DidClose gives the document back and clears its findings.
func (s *session) DidClose(_ context.Context, p *protocol.DidCloseTextDocumentParams) error {
	u := cloned(p.TextDocument.URI)
	if s.close(u) {
		s.publish.Lock()
		defer s.publish.Unlock()
		return s.client.PublishDiagnostics(s.ctx, &protocol.PublishDiagnosticsParams{URI: u, Diagnostics: []protocol.Diagnostic{}})
	}
	return nil
}

func (s *session) close(u uri.URI) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.editing[u]
	if e == nil {
		return false
	}
	close(e.stop)
	if e.parsed != nil {
		e.parsed.Close()
	}
	delete(s.editing, u)
	s.view.Store(s.view.Load().without(u))
	return true
}
