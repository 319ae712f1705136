package server

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// workspaceEdit is edits in LSP's words, tied to the documents' versions in a snapshot where the client can check them. It is
// nil when one is to a file that reads otherwise than in the snapshot the edits are of, because half a fix is none.
func (s *session) workspaceEdit(v *view, d *document, of *view, edits []codeactions.FileEdits) *protocol.WorkspaceEdit {
	var order []*cell
	byCell := map[uri.URI][]text.Edit{}
	for _, file := range edits {
		path := cmp.Or(file.Path, d.path)
		if path != d.path && !readsSame(d.folder(v).program.Unit(path), d.folder(of).program.Unit(path)) {
			return nil
		}
		for _, e := range file.Edits {
			c, ok := v.place(d, path, e.Span)
			if !ok {
				return nil
			}
			if byCell[c.uri] == nil {
				order = append(order, c)
			}
			byCell[c.uri] = append(byCell[c.uri], e)
		}
	}
	out := &protocol.WorkspaceEdit{}
	for _, c := range order {
		list := s.textEdits(c, byCell[c.uri])
		if s.documentChanges {
			target := protocol.OptionalVersionedTextDocumentIdentifier{}
			target.URI = c.uri
			if v.cells[c.uri] != nil {
				target.Version = &c.version
			}
			out.DocumentChanges = append(out.DocumentChanges, versioned(target, list))
			continue
		}
		if out.Changes == nil {
			out.Changes = map[uri.URI][]protocol.TextEdit{}
		}
		out.Changes[c.uri] = list
	}
	return out
}

// readsSame reports whether two snapshots hold the same text of a file: one that is opened as it is on the disk changes nothing.
func readsSame(a, b *project.Unit) bool {
	if a == b {
		return true
	}
	now, err := a.Source()
	then, failed := b.Source()
	return err == nil && failed == nil && bytes.Equal(now.Text, then.Text)
}

// textEdits are the edits to one cell, by position.
func (s *session) textEdits(c *cell, edits []text.Edit) []protocol.TextEdit {
	slices.SortStableFunc(edits, func(a, b text.Edit) int { return cmp.Compare(a.Start, b.Start) })
	out := make([]protocol.TextEdit, len(edits))
	for i, e := range edits {
		out[i] = protocol.TextEdit{Range: s.units.lsp(c, e.Span), NewText: c.fitted(e)}
	}
	return out
}

// fitted is an edit's text for a cell, where the client has no line end behind the last line of a notebook's cell.
func (c *cell) fitted(e text.Edit) string {
	switch {
	case e.End <= c.span.End:
		return e.New
	case e.Start > c.span.End: // on a line of its own, then
		return "\n" + strings.TrimSuffix(e.New, "\n")
	}
	return strings.TrimSuffix(e.New, "\n")
}

func versioned(target protocol.OptionalVersionedTextDocumentIdentifier, edits []protocol.TextEdit) *protocol.TextDocumentEdit {
	change := &protocol.TextDocumentEdit{TextDocument: target}
	for i := range edits {
		change.Edits = append(change.Edits, &edits[i])
	}
	return change
}
