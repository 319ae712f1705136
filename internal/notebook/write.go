package notebook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Encode gives the notebook's bytes. Of a cell that changed, the source has a new value in the old form; all else is as it was.
func (n *notebook) Encode() ([]byte, error) {
	w := writer{raw: n.raw, ascii: !bytes.ContainsFunc(n.raw, func(r rune) bool { return r >= utf8.RuneSelf })}
	var edits []text.Edit
	for _, c := range n.cells {
		now := string(c.now[:len(c.now)-1])
		if now != c.source.text() {
			edits = append(edits, text.Edit{Span: c.source.Span, New: w.value(c.source, now)})
		}
	}
	return text.Apply(n.raw, edits)
}

// writer writes the values of sources the way the notebook does.
type writer struct {
	raw   []byte
	ascii bool // all other characters are escaped
}

// value is a source that says something else now.
func (w writer) value(s source, now string) string {
	if !s.list {
		return w.quote(now)
	}
	old, lines := s.strings, slices.Collect(strings.Lines(now))
	// The lines that did not change keep their spelling, and what stands between them.
	head, tail, most := 0, 0, min(len(old), len(lines))
	for head < most && old[head].says == lines[head] {
		head++
	}
	for head+tail < most && old[len(old)-1-tail].says == lines[len(lines)-1-tail] {
		tail++
	}
	var quoted []string
	for _, line := range lines[head : len(lines)-tail] {
		quoted = append(quoted, w.quote(line))
	}
	between := w.between(s)
	changed := strings.Join(quoted, between)
	var from, to int
	switch kept := head + tail; {
	case kept == 0 && (len(old) == 0 || len(lines) == 0):
		return "[" + changed + "]"
	case kept < len(old) && kept < len(lines):
		from, to = old[head].Start, old[len(old)-1-tail].End
	case kept < len(old) && head > 0: // lines are gone
		from, to = old[head-1].End, old[len(old)-1-tail].End
	case kept < len(old):
		from, to = old[0].Start, old[len(old)-tail].Start
	case head > 0: // lines are new
		from, to, changed = old[head-1].End, old[head-1].End, between+changed
	default:
		from, to, changed = old[0].Start, old[0].Start, changed+between
	}
	return string(w.raw[s.Start:from]) + changed + string(w.raw[to:s.End])
}

// between is what stands between the strings of a list.
func (w writer) between(s source) string {
	switch {
	case len(s.strings) > 1:
		return string(w.raw[s.strings[0].End:s.strings[1].Start])
	case len(s.strings) == 1 && s.strings[0].Start > s.Start+1:
		return "," + string(w.raw[s.Start+1:s.strings[0].Start])
	}
	return ", "
}

// quote is a JSON string.
func (w writer) quote(s string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be written
	quoted := strings.TrimSuffix(out.String(), "\n")
	if !w.ascii {
		return quoted
	}
	var escaped strings.Builder
	for _, r := range quoted {
		switch {
		case r < utf8.RuneSelf:
			escaped.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&escaped, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&escaped, `\u%04x`, r)
		}
	}
	return escaped.String()
}
