package server

import (
	"cmp"
	"slices"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// workspaceEdit is edits in LSP's words, tied to the documents' versions where the client can check them. It is nil when one
// is to a file that is not open, because half a fix is none.
func (s *session) workspaceEdit(d *document, edits []codeactions.FileEdits) *protocol.WorkspaceEdit {
	var order []*document
	byDocument := map[*document][]text.Edit{}
	for _, e := range edits {
		target := d
		if e.Path != "" && e.Path != d.path {
			if target = s.view.Load().docs[uri.File(e.Path)]; target == nil {
				return nil
			}
		}
		if byDocument[target] == nil {
			order = append(order, target)
		}
		byDocument[target] = append(byDocument[target], e.Edits...)
	}
	out := &protocol.WorkspaceEdit{}
	for _, target := range order {
		list := s.textEdits(target, byDocument[target])
		if s.documentChanges {
			out.DocumentChanges = append(out.DocumentChanges, versioned(target, list))
			continue
		}
		if out.Changes == nil {
			out.Changes = map[uri.URI][]protocol.TextEdit{}
		}
		out.Changes[target.uri] = list
	}
	return out
}

// textEdits are the edits to one document, by position.
func (s *session) textEdits(d *document, edits []text.Edit) []protocol.TextEdit {
	slices.SortStableFunc(edits, func(a, b text.Edit) int { return cmp.Compare(a.Start, b.Start) })
	out := make([]protocol.TextEdit, len(edits))
	for i, e := range edits {
		out[i] = protocol.TextEdit{Range: s.units.lsp(d.lines, e.Span), NewText: e.New}
	}
	return out
}

func versioned(d *document, edits []protocol.TextEdit) *protocol.TextDocumentEdit {
	version := d.version
	change := &protocol.TextDocumentEdit{TextDocument: protocol.OptionalVersionedTextDocumentIdentifier{Version: &version}}
	change.TextDocument.URI = d.uri
	for i := range edits {
		change.Edits = append(change.Edits, &edits[i])
	}
	return change
}
