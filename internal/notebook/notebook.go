// Package notebook reads the Python code of Jupyter notebooks as one text, and writes a changed text back into the notebook's
// bytes, of which it changes nothing else.
package notebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Is reports whether a path is that of a notebook.
func Is(path string) bool { return strings.EqualFold(filepath.Ext(path), ".ipynb") }

// ForeignError says that a notebook's language is not Python.
type ForeignError struct{ Language string }

func (e *ForeignError) Error() string {
	return fmt.Sprintf("the notebook's language is %s, not Python; it is not checked", e.Language)
}

// notebook is a notebook's bytes and what its code cells hold now.
type notebook struct {
	raw   []byte
	cells []cell
}

// cell is a code cell in Python.
type cell struct {
	number int
	source source
	// now is the cell's text with a line end behind it, so that the next cell starts on a line of its own.
	now    []byte
	start  int // in the text of all cells
	blanks []text.Span
}

// source is the JSON value that holds a cell's text: a string, or a list of strings.
type source struct {
	text.Span // in the notebook's bytes
	list      bool
	strings   []piece
}

// piece is a JSON string: where it stands in the notebook's bytes, and what it says.
type piece struct {
	text.Span
	says string
}

func (s source) text() string {
	var out strings.Builder
	for _, p := range s.strings {
		out.WriteString(p.says)
	}
	return out.String()
}

// Decode reads a notebook's bytes. The text is that of its Python cells, one below the other. It fails with a *ForeignError on
// a notebook in another language.
func Decode(data []byte) (*text.Source, error) {
	r := &reader{data: data}
	body := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	r.skipped = len(data) - len(body)
	r.dec = json.NewDecoder(bytes.NewReader(body))
	if err := r.notebook(); err != nil {
		return nil, err
	}
	return (&notebook{raw: data, cells: r.cells}).arranged(), nil
}

// Cell is a Python cell that is at hand without a notebook's bytes, as an editor holds it.
type Cell struct {
	// Number counts the cells of all kinds, from 1.
	Number int
	Text   []byte
}

// Join is the text of Python cells, one below the other. It has edits, but no bytes of a file to give.
func Join(cells []Cell) *text.Source {
	n := &notebook{}
	for _, c := range cells {
		n.cells = append(n.cells, cell{number: c.Number, now: append(bytes.Clone(c.Text), '\n')})
	}
	return n.arranged()
}

// arranged is the text of the cells. It notes in them where they stand.
func (n *notebook) arranged() *text.Source {
	var all []byte
	for i := range n.cells {
		c := &n.cells[i]
		var python []byte
		python, c.blanks = view(c.now)
		c.start = len(all)
		all = append(all, python...)
	}
	return text.NewContained(all, n)
}

// reader walks the JSON of a notebook.
type reader struct {
	data    []byte
	skipped int // bytes before the JSON
	dec     *json.Decoder
	cells   []cell
	count   int // of all cells
}

// value is a JSON value read as a whole, and where it stands in the notebook's bytes.
func (r *reader) value() (json.RawMessage, text.Span, error) {
	var raw json.RawMessage
	if err := r.dec.Decode(&raw); err != nil {
		return nil, text.Span{}, err
	}
	end := r.skipped + int(r.dec.InputOffset())
	return raw, text.Span{Start: end - len(raw), End: end}, nil
}

func (r *reader) notebook() error {
	var head struct {
		Format int `json:"nbformat"`
		Meta   struct {
			Kernel   struct{ Language string } `json:"kernelspec"`
			Language struct{ Name string }     `json:"language_info"`
		}
	}
	hasCells := false
	err := r.object(func(key string) error {
		switch key {
		case "cells":
			hasCells = true
			r.cells, r.count = nil, 0
			return r.list(r.cell)
		case "nbformat":
			return r.dec.Decode(&head.Format)
		case "metadata":
			raw, _, err := r.value()
			_ = json.Unmarshal(raw, &head.Meta) // what is not as it should be says nothing
			return err
		}
		_, _, err := r.value()
		return err
	})
	if err == nil {
		if _, after := r.dec.Token(); after != io.EOF {
			err = errors.New("something stands behind its end")
		}
	}
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it ends too early")
		}
		return fmt.Errorf("not a Jupyter notebook (%w); it is not checked", err)
	}
	if head.Format != 0 && head.Format != 4 {
		return fmt.Errorf("a notebook of format %d, of which only 4 is read; it is not checked", head.Format)
	}
	if !hasCells {
		return errors.New("not a Jupyter notebook (it has no cells); it is not checked")
	}
	for _, language := range []string{head.Meta.Language.Name, head.Meta.Kernel.Language} {
		if language != "" && !isPython(language) {
			return &ForeignError{language}
		}
	}
	return nil
}

func isPython(language string) bool {
	language = strings.ToLower(language)
	return strings.HasPrefix(language, "python") || strings.HasPrefix(language, "ipython")
}

// cell reads one cell and keeps it if it is code in Python.
func (r *reader) cell() error {
	r.count++
	var kind, language string
	var src source
	err := r.object(func(key string) (err error) {
		raw, span, err := r.value()
		switch {
		case err != nil:
			return err
		case key == "cell_type":
			return json.Unmarshal(raw, &kind)
		case key == "source":
			src, err = r.source(raw, span)
		case key == "metadata":
			var meta struct {
				VSCode struct {
					Language string `json:"languageId"`
				}
			}
			_ = json.Unmarshal(raw, &meta)
			language = meta.VSCode.Language
		}
		return err
	})
	if err == nil && kind == "code" && (language == "" || isPython(language)) {
		r.cells = append(r.cells, cell{number: r.count, source: src, now: append([]byte(src.text()), '\n')})
	}
	return err
}

// source reads the value of a cell's text.
func (r *reader) source(raw json.RawMessage, span text.Span) (source, error) {
	s := source{Span: span, list: raw[0] == '['}
	inner := &reader{data: r.data, skipped: span.Start, dec: json.NewDecoder(bytes.NewReader(raw))}
	one := func() error {
		raw, span, err := inner.value()
		if err != nil {
			return err
		}
		p := piece{Span: span}
		err = json.Unmarshal(raw, &p.says)
		s.strings = append(s.strings, p)
		return err
	}
	if s.list {
		return s, inner.list(one)
	}
	return s, one()
}

// object reads an object; member reads the value of a key.
func (r *reader) object(member func(key string) error) error {
	if err := r.open('{'); err != nil {
		return err
	}
	for r.dec.More() {
		key, err := r.dec.Token()
		if err != nil {
			return err
		}
		if err := member(key.(string)); err != nil {
			return err
		}
	}
	_, err := r.dec.Token()
	return err
}

// list reads a list, each of its values with item.
func (r *reader) list(item func() error) error {
	if err := r.open('['); err != nil {
		return err
	}
	for r.dec.More() {
		if err := item(); err != nil {
			return err
		}
	}
	_, err := r.dec.Token()
	return err
}

func (r *reader) open(want json.Delim) error {
	if got, err := r.dec.Token(); err != nil {
		return err
	} else if got != want {
		return fmt.Errorf("%v stands where %v should", got, want)
	}
	return nil
}

// end is the end of the cell in the text of all cells.
func (c *cell) end() int { return c.start + len(c.now) }

// Cells are the Python cells.
func (n *notebook) Cells() []text.Cell {
	out := make([]text.Cell, len(n.cells))
	for i, c := range n.cells {
		out[i] = text.Cell{Number: c.number, Span: text.Span{Start: c.start, End: c.end()}, Text: c.now}
	}
	return out
}

// holding is the index of the cell that an edit lies in, -1 if it crosses from one to another.
func (n *notebook) holding(e text.Edit) int {
	return slices.IndexFunc(n.cells, func(c cell) bool {
		last := c.start+len(c.now) == n.cells[len(n.cells)-1].end()
		return c.start <= e.Start && e.End <= c.end() && (e.Start < c.end() || last)
	})
}

// apart gives the edits of each cell, by its index, in offsets of the cell; ok is false if one crosses from cell to cell.
func (n *notebook) apart(edits []text.Edit) (of map[int][]text.Edit, ok bool) {
	of = map[int][]text.Edit{}
	for _, e := range edits {
		i := n.holding(e)
		if i < 0 {
			return nil, false
		}
		e.Start, e.End = e.Start-n.cells[i].start, e.End-n.cells[i].start
		of[i] = append(of[i], e)
	}
	return of, true
}

// Accepts reports whether each edit lies in one cell, and the cells accept theirs.
func (n *notebook) Accepts(edits []text.Edit) bool {
	of, ok := n.apart(edits)
	for i, edits := range of {
		ok = ok && n.cells[i].accepts(edits)
	}
	return ok
}

// accepts reports whether edits spare what is not Python and leave IPython's reading of the rest as it is. A cell with characters
// that JSON has and UTF-8 lacks cannot be written, and neither can half a character.
func (c *cell) accepts(edits []text.Edit) bool {
	for _, e := range edits {
		for _, b := range c.blanks {
			if e.Start < b.End && b.Start < e.End {
				return false
			}
		}
	}
	before, _ := view(c.now)
	want, err := text.Apply(before, edits)
	if err != nil || bytes.ContainsRune(c.now, utf8.RuneError) {
		return false
	}
	after, _ := text.Apply(c.now, edits) // fits as well
	got, _ := view(ended(after))
	return utf8.Valid(after) && bytes.Equal(got, ended(want))
}

// ended is a cell's text with a line end behind it, be it there already.
func ended(cell []byte) []byte { return append(bytes.TrimSuffix(cell, []byte{'\n'}), '\n') }

// Edit makes edits that are accepted.
func (n *notebook) Edit(edits []text.Edit) (*text.Source, error) {
	of, ok := n.apart(edits)
	if !ok || !n.Accepts(edits) {
		return nil, errors.New("not every edit can be made in a cell of the notebook")
	}
	next := &notebook{raw: n.raw, cells: slices.Clone(n.cells)}
	for i, edits := range of {
		now, err := text.Apply(n.cells[i].now, edits)
		if err != nil {
			return nil, err
		}
		next.cells[i].now = ended(now)
	}
	return next.arranged(), nil
}
