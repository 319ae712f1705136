package text

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// Source is one file's text as UTF-8, together with what is needed to give the file's own bytes back. Line ends are kept as
// they are. A Source is immutable; Text must not be changed.
type Source struct {
	// Text is the decoded text without byte order mark.
	Text []byte

	name  string
	codec encoding.Encoding
	bom   bool
	ascii bool

	container Container // nil for a file that is the text
}

var bom = []byte("\xef\xbb\xbf")

// NewSource is a source whose text is UTF-8 already, as editors send it.
func NewSource(utf8 []byte) *Source { return &Source{Text: utf8, name: "utf-8"} }

// DecodeError says that a file's bytes are not what its encoding allows.
type DecodeError struct {
	// Offset is the first offending byte of the file.
	Offset int
	// Encoding is the name the file or the default gave.
	Encoding string
	// Reason says what is wrong there.
	Reason string
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("byte %d: %s (encoding %s); save the file as UTF-8 or name its encoding with a coding comment", e.Offset, e.Reason, e.Encoding)
}

// Decode reads a Python file's bytes in the encoding that PEP 263 gives them: a byte order mark, a coding comment in the
// first two lines, else UTF-8. It fails with a *DecodeError.
func Decode(data []byte) (*Source, error) {
	s := &Source{name: "utf-8"}
	s.bom = bytes.HasPrefix(data, bom)
	body := bytes.TrimPrefix(data, bom)
	if name, at := cookie(body); name != "" {
		s.name = name
		if err := s.choose(); err != nil {
			return nil, &DecodeError{Offset: len(data) - len(body) + at, Encoding: name, Reason: err.Error()}
		}
	}
	if s.codec == nil {
		if at := invalidUTF8(body, s.ascii); at >= 0 {
			at += len(data) - len(body)
			return nil, &DecodeError{Offset: at, Encoding: s.name, Reason: fmt.Sprintf("0x%02x cannot be decoded", data[at])}
		}
		s.Text = body
		return s, nil
	}
	decoded, err := s.codec.NewDecoder().Bytes(body)
	if err != nil {
		return nil, &DecodeError{Encoding: s.name, Reason: err.Error()}
	}
	if i := bytes.IndexRune(decoded, utf8.RuneError); i >= 0 {
		before, _ := s.codec.NewEncoder().Bytes(decoded[:i])
		return nil, &DecodeError{Offset: len(before), Encoding: s.name, Reason: "the bytes here cannot be decoded"}
	}
	s.Text = decoded
	return s, nil
}

// With is a source in the same encoding that holds another text. One that stands in cells is changed by Edit alone.
func (s *Source) With(text []byte) *Source {
	next := *s
	next.Text = text
	return &next
}

// Encode gives the bytes of the file. It fails when the text holds characters that the file's encoding lacks.
func (s *Source) Encode() ([]byte, error) {
	switch {
	case s.container != nil:
		return s.container.Encode()
	case s.bom:
		return append(bytes.Clone(bom), s.Text...), nil
	case s.ascii && invalidUTF8(s.Text, true) >= 0:
		return nil, fmt.Errorf("the text at offset %d cannot be written as %s", invalidUTF8(s.Text, true), s.name)
	case s.codec == nil:
		return s.Text, nil
	}
	data, err := s.codec.NewEncoder().Bytes(s.Text)
	if err != nil {
		return nil, fmt.Errorf("the text cannot be written as %s: %w", s.name, err)
	}
	return data, nil
}

// Encoding is the name of the file's encoding, as the file spells it; "utf-8" by default.
func (s *Source) Encoding() string { return s.name }

// codingComment is PEP 263's pattern.
var codingComment = regexp.MustCompile(`^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)`)

// cookie finds the encoding that a coding comment in the first two lines names, and where. The second line counts only
// below a line without code.
func cookie(data []byte) (name string, at int) {
	start := 0
	for range 2 {
		line := data[start:]
		if i := bytes.IndexAny(line, "\r\n"); i >= 0 {
			line = line[:i]
		}
		if m := codingComment.FindSubmatchIndex(line); m != nil {
			return string(line[m[2]:m[3]]), start + m[2]
		}
		code := bytes.TrimLeft(line, " \t\f")
		if len(code) > 0 && code[0] != '#' {
			return "", 0
		}
		start += len(line)
		if bytes.HasPrefix(data[start:], []byte("\r\n")) {
			start++
		}
		if start++; start >= len(data) {
			return "", 0
		}
	}
	return "", 0
}

// choose sets the codec for the cookie's name; UTF-8 and ASCII need none.
func (s *Source) choose() error {
	name := strings.ReplaceAll(strings.ToLower(s.name), "_", "-")
	switch name {
	case "utf-8", "utf8", "u8", "utf", "utf-8-sig", "cp65001":
		return nil
	case "ascii", "us-ascii", "646":
		s.ascii = true
		return nil
	}
	if s.bom {
		return fmt.Errorf("the coding comment says %s, the byte order mark says utf-8", s.name)
	}
	switch name {
	case "latin-1", "iso-latin-1", "iso8859-1", "8859", "l1":
		// Not through htmlindex, which reads Latin-1 as Windows-1252.
		s.codec = charmap.ISO8859_1
		return nil
	}
	spellings := []string{name, strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "iso8859", "iso-8859")}
	if number, ok := strings.CutPrefix(name, "cp"); ok {
		spellings = append(spellings, "windows-"+number, "ibm"+number)
	}
	for _, spelling := range spellings {
		if codec, err := ianaindex.IANA.Encoding(spelling); err == nil && codec != nil {
			s.codec = codec
			return nil
		}
		if codec, err := htmlindex.Get(spelling); err == nil {
			s.codec = codec
			return nil
		}
	}
	return fmt.Errorf("the coding comment names an unknown encoding %q", s.name)
}

// invalidUTF8 is the offset of the first byte that is not UTF-8 (with ascii: not ASCII), or -1.
func invalidUTF8(data []byte, ascii bool) int {
	if !ascii && utf8.Valid(data) {
		return -1
	}
	for i := 0; i < len(data); {
		if data[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(data[i:])
		if ascii || r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}
