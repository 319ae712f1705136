package text

// Cell is one of the parts of a file that make up a text.
type Cell struct {
	// Number is the cell's place in the file, from 1. Cells of other kinds count.
	Number int
	// Span is where the cell stands in the text.
	Span Span
	// Text is the cell as the file holds it, as long as the span: what the text leaves blank stands here.
	Text []byte
}

// Container is a file that holds a text in cells, among other things. It is immutable.
type Container interface {
	// Cells are in the order of the text and cover it.
	Cells() []Cell
	// Accepts reports whether edits of the text, made at once, can be made in the file.
	Accepts([]Edit) bool
	// Edit makes all edits at once. It fails on those that are not accepted.
	Edit([]Edit) (*Source, error)
	// Encode gives the bytes of the file.
	Encode() ([]byte, error)
}

// NewContained is the source of a text that a container holds.
func NewContained(utf8 []byte, in Container) *Source {
	return &Source{Text: utf8, name: "utf-8", container: in}
}

// Cells are the parts of a text that stands in cells, nil for others.
func (s *Source) Cells() []Cell {
	if s.container == nil {
		return nil
	}
	return s.container.Cells()
}

// CellAt is the cell that holds the offset; ok is false where the text does not stand in cells.
func (s *Source) CellAt(offset int) (_ Cell, ok bool) {
	cells := s.Cells()
	for _, c := range cells {
		if offset < c.Span.End {
			return c, true
		}
	}
	if len(cells) == 0 {
		return Cell{}, false
	}
	return cells[len(cells)-1], true
}

// Accepts reports whether edits of the text, made at once, can be made in its file.
func (s *Source) Accepts(edits []Edit) bool { return s.container == nil || s.container.Accepts(edits) }

// Edit is the source with all edits made at once.
func (s *Source) Edit(edits []Edit) (*Source, error) {
	if s.container != nil {
		return s.container.Edit(edits)
	}
	changed, err := Apply(s.Text, edits)
	if err != nil {
		return nil, err
	}
	return s.With(changed), nil
}

// Changes are edits that lead to another text of the same file, line by line. Each lies in one cell.
func (s *Source) Changes(to *Source) []Edit {
	before, after := s.Cells(), to.Cells()
	if len(before) != len(after) || len(before) == 0 {
		return Changes(s.Text, to.Text)
	}
	var out []Edit
	for i := range before {
		for _, e := range Changes(before[i].inner(), after[i].inner()) {
			e.Start, e.End = e.Start+before[i].Span.Start, e.End+before[i].Span.Start
			out = append(out, e)
		}
	}
	return out
}

// inner is the cell's text without the line end that stands between cells.
func (c Cell) inner() []byte { return c.Text[:len(c.Text)-1] }
