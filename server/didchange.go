package server

import (
	"context"
	"fmt"
	"strings"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// mostIncremental is the number of edits up to which reparsing what they touch is faster than parsing afresh.
const mostIncremental = 20

// DidChange applies the edits in order, each to the text that those before it left.
func (s *session) DidChange(_ context.Context, p *protocol.DidChangeTextDocumentParams) error {
	u := cloned(p.TextDocument.URI)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, old := s.editing[u], s.view.Load().docs[u]
	if e == nil || old == nil || old.book != nil {
		return fmt.Errorf("%s is not open", u)
	}
	source, edits := s.units.apply(old.source.Text, old.cells[0].lines, p.ContentChanges)
	if len(edits) > mostIncremental {
		edits = nil
	}
	next := written(u, p.TextDocument.Version, source)
	next.typed = true
	s.adopt(e, next, edits)
	return nil
}

// apply gives the text after changes and the edits that lead there; nil edits mean that all is new.
func (u units) apply(source []byte, lines *text.LineIndex, changes []protocol.TextDocumentContentChangeEvent) ([]byte, []text.Edit) {
	edits := make([]text.Edit, 0, len(changes))
	for _, change := range changes {
		switch c := change.(type) {
		case *protocol.TextDocumentContentChangeWholeDocument:
			source, edits = []byte(c.Text), nil
		case *protocol.TextDocumentContentChangePartial:
			if lines == nil {
				lines = text.NewLineIndex(source)
			}
			start, end := u.within(lines, c.Range.Start), u.within(lines, c.Range.End)
			edit := text.Edit{Span: text.Span{Start: min(start, end), End: max(start, end)}, New: strings.Clone(c.Text)}
			next := make([]byte, 0, len(source)+len(edit.New)-edit.Len())
			source = append(append(append(next, source[:edit.Start]...), edit.New...), source[edit.End:]...)
			if edits != nil {
				edits = append(edits, edit)
			}
		}
		lines = nil
	}
	return source, edits
}
