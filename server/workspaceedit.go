package server

import (
	"cmp"
	"slices"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// workspaceEdit is edits in LSP's words, tied to the documents' versions in a snapshot where the client can check them. It is
// nil when one is to a file that reads otherwise than in the snapshot the edits are of, because half a fix is none.
func (s *session) workspaceEdit(v *view, d *document, of *view, edits []codeactions.FileEdits) *protocol.WorkspaceEdit {
	var order []string
	byPath := map[string][]text.Edit{}
	for _, e := range edits {
		path := cmp.Or(e.Path, d.path)
		if byPath[path] == nil {
			order = append(order, path)
		}
		byPath[path] = append(byPath[path], e.Edits...)
	}
	out := &protocol.WorkspaceEdit{}
	for _, path := range order {
		target := protocol.OptionalVersionedTextDocumentIdentifier{}
		lines := d.lines
		switch open := v.at(path); {
		case path == d.path:
			target.URI, target.Version = d.uri, &d.version
		case v.program.Unit(path) != of.program.Unit(path):
			return nil
		case open != nil:
			target.URI, target.Version, lines = open.uri, &open.version, open.lines
		default:
			src, err := v.program.Unit(path).Source()
			if err != nil {
				return nil
			}
			target.URI, lines = uri.File(path), text.NewLineIndex(src.Text)
		}
		list := s.textEdits(lines, byPath[path])
		if s.documentChanges {
			out.DocumentChanges = append(out.DocumentChanges, versioned(target, list))
			continue
		}
		if out.Changes == nil {
			out.Changes = map[uri.URI][]protocol.TextEdit{}
		}
		out.Changes[target.URI] = list
	}
	return out
}

// textEdits are the edits to one text, by position.
func (s *session) textEdits(lines *text.LineIndex, edits []text.Edit) []protocol.TextEdit {
	slices.SortStableFunc(edits, func(a, b text.Edit) int { return cmp.Compare(a.Start, b.Start) })
	out := make([]protocol.TextEdit, len(edits))
	for i, e := range edits {
		out[i] = protocol.TextEdit{Range: s.units.lsp(lines, e.Span), NewText: e.New}
	}
	return out
}

func versioned(target protocol.OptionalVersionedTextDocumentIdentifier, edits []protocol.TextEdit) *protocol.TextDocumentEdit {
	change := &protocol.TextDocumentEdit{TextDocument: target}
	for i := range edits {
		change.Edits = append(change.Edits, &edits[i])
	}
	return change
}
