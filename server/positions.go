package server

import (
	"slices"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// encoding is a position encoding of LSP with the units it counts in.
type encoding struct {
	kind  protocol.PositionEncodingKind
	units units
}

// encodings are what the server speaks, best first: inside, offsets are bytes.
var encodings = []encoding{
	{protocol.PositionEncodingKindUTF8, units(text.UTF8)},
	{protocol.PositionEncodingKindUTF32, units(text.UTF32)},
	{protocol.PositionEncodingKindUTF16, units(text.UTF16)},
}

// encodingFor is the best encoding the client offers; UTF-16 is always among them.
func encodingFor(g *protocol.GeneralClientCapabilities) encoding {
	if g != nil {
		for _, e := range encodings {
			if slices.Contains(g.PositionEncodings, e.kind) {
				return e
			}
		}
	}
	return encodings[len(encodings)-1]
}

// units are what a client counts characters in. They turn its positions into byte offsets and back.
type units text.Encoding

// offset is an LSP position in a cell as a byte offset of the document, moved into the cell's text.
func (u units) offset(c *cell, p protocol.Position) int { return c.span.Start + u.within(c.lines, p) }

// span is an LSP range in a cell in bytes of the document, moved into the cell's text and put in order.
func (u units) span(c *cell, r protocol.Range) text.Span {
	start, end := u.offset(c, r.Start), u.offset(c, r.End)
	return text.Span{Start: min(start, end), End: max(start, end)}
}

// lsp is a span of the document as an LSP range of a cell.
func (u units) lsp(c *cell, span text.Span) protocol.Range {
	position := func(offset int) protocol.Position {
		line, character := c.lines.Position(min(max(offset, c.span.Start), c.span.End)-c.span.Start, text.Encoding(u))
		return protocol.Position{Line: uint32(line), Character: uint32(character)}
	}
	return protocol.Range{Start: position(span.Start), End: position(span.End)}
}

// within is an LSP position as a byte offset of a text with these lines, moved into it.
func (u units) within(lines *text.LineIndex, p protocol.Position) int {
	return lines.Offset(int(p.Line), int(p.Character), text.Encoding(u))
}
