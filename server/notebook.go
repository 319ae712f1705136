package server

import (
	"context"
	"fmt"
	"slices"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/internal/notebook"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// book is a version of a notebook as the client has it: its cells of all kinds. It does not change.
type book []bookCell

type bookCell struct {
	uri     uri.URI
	code    bool
	python  bool
	version int32
	text    []byte
}

// DidOpenNotebookDocument takes a notebook over from the file system.
func (s *session) DidOpenNotebookDocument(_ context.Context, p *protocol.DidOpenNotebookDocumentParams) error {
	if err := namesDocument(p.NotebookDocument.URI); err != nil {
		return err
	}
	var b book
	for _, c := range p.NotebookDocument.Cells {
		b = append(b, bookCell{uri: cloned(c.Document), code: c.Kind == protocol.NotebookCellKindCode})
	}
	b.fill(p.CellTextDocuments)
	s.open(b.document(cloned(p.NotebookDocument.URI), p.NotebookDocument.Version))
	return nil
}

// DidChangeNotebookDocument makes the changes to the list of cells, then those to their kinds, then those to their texts.
func (s *session) DidChangeNotebookDocument(_ context.Context, p *protocol.DidChangeNotebookDocumentParams) error {
	u := cloned(p.NotebookDocument.URI)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, old := s.editing[u], s.view.Load().docs[u]
	if e == nil || old == nil || old.book == nil {
		return fmt.Errorf("the notebook %s is not open", u)
	}
	b := slices.Clone(*old.book)
	if changes := p.Change.Cells; changes != nil {
		b = b.spliced(changes.Structure)
		for _, c := range changes.Data {
			if at := b.at(c.Document); at != nil {
				at.code = c.Kind == protocol.NotebookCellKindCode
			}
		}
		for _, c := range changes.TextContent {
			if at := b.at(c.Document.URI); at != nil {
				at.text, _ = s.units.apply(at.text, nil, c.Changes)
				at.version = c.Document.Version
			}
		}
	}
	next := b.document(u, p.NotebookDocument.Version)
	next.typed = old.typed || p.Change.Cells != nil
	s.adopt(e, next, nil)
	return nil
}

// DidSaveNotebookDocument is DidSave for a notebook.
func (s *session) DidSaveNotebookDocument(_ context.Context, p *protocol.DidSaveNotebookDocumentParams) error {
	s.saved(cloned(p.NotebookDocument.URI))
	return nil
}

// DidCloseNotebookDocument gives the notebook back.
func (s *session) DidCloseNotebookDocument(_ context.Context, p *protocol.DidCloseNotebookDocumentParams) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(cloned(p.NotebookDocument.URI))
	return nil
}

func (b book) at(u uri.URI) *bookCell {
	i := slices.IndexFunc(b, func(c bookCell) bool { return c.uri == u })
	if i < 0 {
		return nil
	}
	return &b[i]
}

// fill sets the texts of cells that are opened.
func (b book) fill(opened []protocol.TextDocumentItem) {
	for _, item := range opened {
		if at := b.at(item.URI); at != nil {
			at.python, at.version, at.text = item.LanguageID == "python", item.Version, []byte(item.Text)
		}
	}
}

// spliced is the notebook with some cells in place of others. Cells that move bring their texts along.
func (b book) spliced(change *protocol.NotebookDocumentCellChangeStructure) book {
	if change == nil {
		return b
	}
	start := min(int(change.Array.Start), len(b))
	end := min(start+int(change.Array.DeleteCount), len(b))
	var in book
	for _, c := range change.Array.Cells {
		cell := bookCell{uri: cloned(c.Document)}
		if old := b.at(c.Document); old != nil {
			cell = *old
		}
		cell.code = c.Kind == protocol.NotebookCellKindCode
		in = append(in, cell)
	}
	next := slices.Concat(b[:start], in, b[end:])
	next.fill(change.DidOpen)
	return next
}

// document is a version of the notebook as one text.
func (b book) document(u uri.URI, version int32) *document {
	var cells []notebook.Cell
	d := &document{uri: u, path: pathOf(u), version: version, book: &b}
	for i, c := range b {
		if !c.code || !c.python {
			continue
		}
		cells = append(cells, notebook.Cell{Number: i + 1, Text: c.text})
		d.cells = append(d.cells, cell{uri: c.uri, version: c.version, lines: text.NewLineIndex(c.text)})
	}
	d.source = notebook.Join(cells)
	for i, c := range d.source.Cells() {
		d.cells[i].span = text.Span{Start: c.Span.Start, End: c.Span.End - 1} // without the line end between cells
	}
	return d
}
