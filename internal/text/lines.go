package text

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// Encoding is the unit in which characters of a line are counted.
type Encoding uint8

// The position encodings of LSP 3.17. UTF16 is what a client that negotiates nothing counts in.
const (
	UTF8 Encoding = iota
	UTF16
	UTF32
)

// LineIndex turns byte offsets into lines and characters and back. Lines end at \n, \r\n and \r, as in LSP. It is immutable.
type LineIndex struct {
	text   []byte
	starts []int
}

// NewLineIndex indexes a decoded text, which must not be changed afterwards.
func NewLineIndex(text []byte) *LineIndex {
	starts := make([]int, 1, 1+bytes.Count(text, []byte{'\n'}))
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\r':
			if i+1 < len(text) && text[i+1] == '\n' {
				i++
			}
			starts = append(starts, i+1)
		case '\n':
			starts = append(starts, i+1)
		}
	}
	return &LineIndex{text, starts}
}

// Lines is the number of lines; a text that ends with a line end has an empty last line.
func (x *LineIndex) Lines() int { return len(x.starts) }

// Line is the 0-based line that holds the offset.
func (x *LineIndex) Line(offset int) int {
	i, found := slices.BinarySearch(x.starts, min(max(offset, 0), len(x.text)))
	if found {
		return i
	}
	return i - 1
}

// LineSpan is the span of a 0-based line without its line end. Lines outside the text give an empty span at its start or end.
func (x *LineIndex) LineSpan(line int) Span {
	if line < 0 {
		return Span{}
	}
	if line >= len(x.starts) {
		return Span{len(x.text), len(x.text)}
	}
	s := Span{x.starts[line], len(x.text)}
	if line+1 < len(x.starts) {
		s.End = x.starts[line+1]
		if s.End > s.Start && x.text[s.End-1] == '\n' {
			s.End--
		}
		if s.End > s.Start && x.text[s.End-1] == '\r' {
			s.End--
		}
	}
	return s
}

// Position is the 0-based line and character of a byte offset. Offsets outside the text, inside a line end or inside a
// character are moved back to the nearest place.
func (x *LineIndex) Position(offset int, enc Encoding) (line, character int) {
	line = x.Line(offset)
	s := x.LineSpan(line)
	offset = min(max(offset, s.Start), s.End)
	for offset > s.Start && offset < s.End && !utf8.RuneStart(x.text[offset]) {
		offset--
	}
	before := x.text[s.Start:offset]
	switch enc {
	case UTF8:
		return line, len(before)
	case UTF32:
		return line, utf8.RuneCount(before)
	}
	for i := 0; i < len(before); {
		n, units := step(before[i:], enc)
		character += units
		i += n
	}
	return line, character
}

// Offset is the byte offset of a 0-based line and character. Places outside the text or beyond the end of a line are moved
// back into it, and so are places inside a character.
func (x *LineIndex) Offset(line, character int, enc Encoding) int {
	s := x.LineSpan(line)
	for character > 0 && s.Start < s.End {
		n, units := step(x.text[s.Start:s.End], enc)
		if units > character {
			break
		}
		character -= units
		s.Start += n
	}
	return s.Start
}

// step is the length of the first character in bytes and in units of the encoding.
func step(text []byte, enc Encoding) (bytes, units int) {
	if text[0] < utf8.RuneSelf {
		return 1, 1
	}
	r, n := utf8.DecodeRune(text)
	switch {
	case enc == UTF8:
		return n, n
	case enc == UTF16 && r > 0xFFFF:
		return n, 2
	}
	return n, 1
}
