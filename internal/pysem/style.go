package pysem

import (
	"bytes"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// Style is how a file is written, which what is added to it follows.
type Style struct {
	Newline string
	Quote   string // that most plain strings use
	Indent  string // of the first block that stands deeper than its statement
}

// Style is that of the file, which is looked at once.
func (m *Module) Style() Style {
	m.written.Do(func() {
		m.style = Style{Newline: "\n", Quote: commonQuote(m.Tree), Indent: indent(m.Tree)}
		if source := m.Tree.Source(); bytes.HasSuffix(source[:bytes.IndexByte(source, '\n')+1], []byte("\r\n")) {
			m.style.Newline = "\r\n"
		}
	})
	return m.style
}

func commonQuote(tree *pyast.Tree) string {
	single, double := 0, 0
	for n := range tree.Root().Descendants() {
		if n.Kind() != pyast.KindStringStart {
			continue
		}
		switch t := n.Text(); {
		case strings.HasSuffix(t, `"""`) || strings.HasSuffix(t, "'''"):
		case strings.HasSuffix(t, "'"):
			single++
		default:
			double++
		}
	}
	if single > double {
		return "'"
	}
	return `"`
}

func indent(tree *pyast.Tree) string {
	for n := range tree.Root().Descendants() {
		if n.Kind() != pyast.KindBlock {
			continue
		}
		outer, inner := before(tree, n.Parent()), before(tree, n)
		if len(inner) > len(outer) && strings.HasPrefix(inner, outer) {
			return inner[len(outer):]
		}
	}
	return "    "
}

// before is the white space at the head of the line that a node begins in.
func before(tree *pyast.Tree, n pyast.Node) string {
	source := tree.Source()
	line := source[bytes.LastIndexAny(source[:n.Start()], "\r\n")+1:]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}
