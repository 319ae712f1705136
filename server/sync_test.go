package server

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// editor is a document as an editor holds it: lines of characters. It knows nothing of the server's way to count.
type editor struct {
	text     []rune
	encoding string
	random   *rand.Rand
}

// width is how many units a character counts in the editor's encoding.
func (e *editor) width(r rune) int {
	switch e.encoding {
	case "utf-8":
		return utf8.RuneLen(r)
	case "utf-16":
		return utf16.RuneLen(r)
	}
	return 1
}

// position counts lines and characters up to a place. LSP ends lines at \n, \r\n and \r.
func (e *editor) position(at int) m {
	line, character := 0, 0
	for i, r := range e.text[:at] {
		switch {
		case r == '\r' && i+1 < len(e.text) && e.text[i+1] == '\n': // the \n ends the line
		case r == '\n' || r == '\r':
			line, character = line+1, 0
		default:
			character += e.width(r)
		}
	}
	return m{"line": line, "character": character}
}

// place is a random place that a cursor can stand at: not between \r and \n.
func (e *editor) place() int {
	at := e.random.IntN(len(e.text) + 1)
	if at > 0 && at < len(e.text) && e.text[at-1] == '\r' && e.text[at] == '\n' {
		at--
	}
	return at
}

var pieces = []string{
	"\n", "\r\n", "\r", "x", "BUG", " ", "    ", "é", "€", "😀", "a😀b𝄞", "\t", "import torch\n", "if x:\n    y = 1\n", "'", "\"\"\"", "(", ")", "\u2028", "\x00", "\uFEFF",
}

// change makes a random edit and gives it as LSP has it.
func (e *editor) change() m {
	if e.random.IntN(50) == 0 {
		e.text = []rune(strings.Repeat("import torch\n# 😀\nBUG = 1\r\n", e.random.IntN(8)))
		return m{"text": string(e.text)}
	}
	start := e.place()
	end := start
	if e.random.IntN(2) == 0 {
		end = max(start, min(e.place(), start+12))
	}
	if end > 0 && end < len(e.text) && e.text[end-1] == '\r' && e.text[end] == '\n' {
		end++
	}
	var b strings.Builder
	for range e.random.IntN(4) {
		b.WriteString(pieces[e.random.IntN(len(pieces))])
	}
	out := m{"range": between(e.position(start), e.position(end)), "text": b.String()}
	e.text = append(append(append([]rune{}, e.text[:start]...), []rune(b.String())...), e.text[end:]...)
	return out
}

// TestRandomEdits types into a document and compares the server's text, tree and findings with what a fresh start has.
func TestRandomEdits(t *testing.T) {
	const uri = "file:///nowhere/a.py"
	rounds := 400
	if testing.Short() {
		rounds = 50
	}
	for i, encoding := range []string{"utf-8", "utf-16", "utf-32"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			c := start(t, m{"general": m{"positionEncodings": []string{encoding}}})
			e := &editor{encoding: encoding, random: rand.New(rand.NewPCG(uint64(i), 7)), text: []rune("import torch\n")}
			c.open(uri, string(e.text))
			for version := 2; version < rounds; version++ {
				changes := make([]any, e.random.IntN(4))
				if version%40 == 0 {
					changes = make([]any, mostIncremental+1)
				}
				for i := range changes {
					changes[i] = e.change()
				}
				c.change(uri, version, changes...)
				if version%10 != 0 {
					continue
				}
				got := c.published(uri, version)
				doc := c.session.view.Load().docs[uri]
				if string(doc.source.Text) != string(e.text) {
					t.Fatalf("version %d: the server has %q, the editor %q", version, doc.source.Text, string(e.text))
				}
				if want := fresh(t, encoding, string(e.text)); fmt.Sprint(got.Diagnostics) != fmt.Sprint(want) {
					t.Fatalf("version %d: findings %v, afresh %v, in %q", version, got.Diagnostics, want, string(e.text))
				}
				tree, err := pyast.Parse(doc.source.Text)
				if err != nil || outline(tree) != outline(doc.tree) {
					t.Fatalf("version %d: the tree differs from a fresh one of %q (%v)", version, doc.source.Text, err)
				}
			}
		})
	}
}

// fresh are the findings of a server that sees a text for the first time.
func fresh(t *testing.T, encoding, text string) []finding {
	c := start(t, m{"general": m{"positionEncodings": []string{encoding}}})
	return c.open("file:///nowhere/a.py", text).Diagnostics
}

// outline is a tree's shape as text.
func outline(t *pyast.Tree) string {
	var b strings.Builder
	for n := range t.Root().Descendants() {
		fmt.Fprintf(&b, "%v %v %v\n", n.Kind(), n.Span(), n.Missing())
	}
	return b.String()
}

func TestEditsApplyInOrder(t *testing.T) {
	const uri = "file:///nowhere/a.py"
	c := start(t, nil)
	c.open(uri, "import torch\nab\n")
	c.change(uri, 2,
		m{"range": between(at(1, 1), at(1, 1)), "text": "😀"},
		m{"range": between(at(1, 3), at(1, 4)), "text": "BUG"},  // behind the two units of the surrogate pair
		m{"range": between(at(1, 99), at(77, 0)), "text": "\n"}, // beyond the text
		m{"range": between(at(2, 0), at(1, 3)), "text": "-"},    // the wrong way round
		m{"range": between(at(1, 2), at(1, 2)), "text": "!"},    // inside the pair: in front of it
	)
	c.published(uri, 2)
	if got, want := string(c.session.view.Load().docs[uri].source.Text), "import torch\na!😀-"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// A lone surrogate, which JSON can write and UTF-8 cannot, is one unit for both sides.
	c.raw(framed(`{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"` + uri + `","version":3},"contentChanges":[{"text":"import torch\n\ud800BUG"}]}}`))
	if got := c.published(uri, 3); len(got.Diagnostics) > 0 && got.Diagnostics[0].Range.Start != (place{1, 1}) {
		t.Errorf("%+v", got)
	}
}

func TestVersionsAndClosing(t *testing.T) {
	const uri = "file:///nowhere/a%20b.py"
	c := start(t, nil)
	if got := c.open(uri, "import torch\nBUG = 1\n"); len(got.Diagnostics) != 1 {
		t.Fatalf("%+v", got)
	}
	c.change(uri, 7, m{"text": "import torch\n"})
	if got := c.published(uri, 7); len(got.Diagnostics) != 0 {
		t.Errorf("%+v", got)
	}
	c.change(uri, 8, m{"text": "import torch\nBUG"})
	c.published(uri, 8)
	c.notify("textDocument/didClose", m{"textDocument": m{"uri": uri}})
	if got := c.published(uri, 0); got.Version != nil || got.Diagnostics == nil || len(got.Diagnostics) != 0 {
		t.Errorf("after close: %+v", got)
	}
	c.change(uri, 9, m{"text": "import torch\nBUG"}) // of a closed document
	c.open(uri, "import torch\nBUG, BUG")
	if got := c.open(uri, "import torch\nBUG, BUG, BUG"); len(got.Diagnostics) != 3 { // without a close between
		t.Errorf("opened anew: %+v", got)
	}
}

// TestStaleRunsAreStopped holds an analysis up while newer versions come in: it goes no further, and only newer findings are
// published.
func TestStaleRunsAreStopped(t *testing.T) {
	const uri = "file:///nowhere/a.py"
	c := start(t, nil)
	c.open(uri, "import torch\n")
	gate.Lock()
	beyond.Store(0)
	c.change(uri, 2, m{"text": "import torch\nGATE\n"})
	for version := 3; version < 50; version++ {
		c.change(uri, version, m{"text": fmt.Sprintf("import torch\n%s\n", strings.Repeat("BUG\n", version))})
	}
	c.call("textDocument/hover", m{"textDocument": m{"uri": uri}, "position": at(0, 0)}) // all changes are in
	gate.Unlock()
	last := 1
	for last < 49 {
		x := c.wait("findings", func(x message) bool { return x.Method == "textDocument/publishDiagnostics" })
		p := decode[publication](t, x.Params)
		if *p.Version <= last || *p.Version == 2 {
			t.Errorf("version %d after %d", *p.Version, last)
		}
		if last = *p.Version; last > 2 && len(p.Diagnostics) != last {
			t.Errorf("version %d has %d findings", last, len(p.Diagnostics))
		}
	}
	if n := beyond.Load(); n > 0 {
		t.Errorf("the run of version 2 went on: %d", n)
	}
}

func TestTooLargeFilesAreDeclined(t *testing.T) {
	const uri = "file:///nowhere/a.py"
	c := start(t, nil)
	got := c.open(uri, "import torch\nBUG\n"+strings.Repeat("#\n", pyast.MaxSource/2))
	if len(got.Diagnostics) != 1 || got.Diagnostics[0].Severity != 3 || got.Diagnostics[0].Range != (span{}) || !strings.Contains(got.Diagnostics[0].Message, "16 MiB") {
		t.Fatalf("%+v", got)
	}
	if r := c.call("textDocument/hover", m{"textDocument": m{"uri": uri}, "position": at(0, 0)}); string(r.Result) != "null" {
		t.Errorf("hover: %s", r.Result)
	}
	c.change(uri, 2, m{"range": between(at(2, 0), at(1<<30, 0)), "text": ""}) // short again
	if got := c.published(uri, 2); len(got.Diagnostics) != 1 || got.Diagnostics[0].Code != "CKP901" {
		t.Errorf("%+v", got)
	}
}

func TestDocumentsOutsideTheFileSystem(t *testing.T) {
	c := start(t, nil)
	for _, uri := range []string{"untitled:Untitled-1", "vscode-notebook-cell:/x.ipynb#a", "file:///c%3A/x.py"} {
		if got := c.open(uri, "import torch\nBUG"); len(got.Diagnostics) != 1 {
			t.Errorf("%+v", got)
		}
	}
}
