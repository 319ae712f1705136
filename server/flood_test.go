package server

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"
)

// edited is a text as a client that counts in UTF-16 keeps it.
type edited struct {
	units []uint16
	rng   *rand.Rand
}

// position is an offset as a position.
func (e *edited) position(at int) m {
	line, character := 0, 0
	for _, u := range e.units[:at] {
		if character++; u == '\n' {
			line, character = line+1, 0
		}
	}
	return m{"line": line, "character": character}
}

// boundary is an offset behind the import that does not part a surrogate pair.
func (e *edited) boundary() int {
	head := len("import torch\n")
	at := head + e.rng.IntN(len(e.units)-head+1)
	if at < len(e.units) && e.units[at] >= 0xDC00 && e.units[at] < 0xE000 {
		at--
	}
	return at
}

// edit makes a random edit and gives it in LSP's words.
func (e *edited) edit() m {
	start, end := e.boundary(), e.boundary()
	if start > end {
		start, end = end, start
	}
	if end-start > 12 {
		end = start
	}
	pieces := []string{"BUG\n", "x", "\n", "é", "😀", "# BUG\n", "(", ")", "\nODD\n", ""}
	piece := pieces[e.rng.IntN(len(pieces))]
	change := m{"range": between(e.position(start), e.position(end)), "text": piece}
	e.units = append(append(append([]uint16{}, e.units[:start]...), utf16.Encode([]rune(piece))...), e.units[end:]...)
	return change
}

func (e *edited) text() string { return string(utf16.Decode(e.units)) }

// TestFlood: after a burst of a thousand edits, the server has the client's text, it never went back to an older version, and the
// findings of the last version are those of a document opened with the text.
func TestFlood(t *testing.T) {
	const uri, other = "file:///nowhere/a.py", "file:///nowhere/b.py"
	for _, pulls := range []bool{false, true} {
		t.Run(fmt.Sprint("pulls=", pulls), func(t *testing.T) {
			capabilities := m{}
			if pulls {
				capabilities = m{"textDocument": m{"diagnostic": m{}}}
			}
			c := start(t, capabilities)
			e := &edited{utf16.Encode([]rune("import torch\n" + strings.Repeat("x = 1\n", 50))), rand.New(rand.NewPCG(1, 2))}
			c.show(uri, e.text())
			last := 1
			for range 1000 {
				last++
				c.change(uri, last, e.edit())
				if pulls && last%50 == 0 {
					c.request("textDocument/diagnostic", m{"textDocument": m{"uri": uri}})
				}
			}
			want := e.text()
			var got []finding
			if pulls {
				got = c.pull(uri, "").Items
			} else {
				got = c.published(uri, last).Diagnostics
				before := 0
				for _, p := range c.history(uri) {
					if *p.Version <= before || *p.Version > last {
						t.Errorf("version %d after %d", *p.Version, before)
					}
					before = *p.Version
				}
			}
			if text := string(c.session.view.Load().cells[uri].source.Text); text != want {
				t.Fatalf("the texts differ:\n%q\n%q", text, want)
			}
			c.show(other, want)
			var fresh []finding
			if pulls {
				fresh = c.pull(other, "").Items
			} else {
				fresh = c.published(other, 1).Diagnostics
			}
			if len(got) == 0 || string(encode(t, got)) != string(encode(t, fresh)) {
				t.Errorf("%d findings, a fresh document has %d", len(got), len(fresh))
			}
		})
	}
}

// TestStarved: a client that does not read for a while loses no edit, and is shown nothing older than the last version afterwards.
func TestStarved(t *testing.T) {
	const uri = "file:///nowhere/a.py"
	c := start(t, nil)
	c.open(uri, "import torch\n")
	c.reading.Lock()
	text := "import torch\n"
	for version := 2; version <= 400; version++ {
		text += "BUG\n"
		c.change(uri, version, m{"range": between(at(version-1, 0), at(version-1, 0)), "text": "BUG\n"})
	}
	c.reading.Unlock()
	if got := c.published(uri, 400); len(got.Diagnostics) != 399 {
		t.Errorf("%d findings", len(got.Diagnostics))
	}
	if got := string(c.session.view.Load().cells[uri].source.Text); got != text {
		t.Errorf("%q", got)
	}
}
