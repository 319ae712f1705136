package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"unicode/utf8"

	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// printer writes to a terminal or what stands for one. Names, source text and what a script printed come from elsewhere: their control
// characters are written as escapes, which are those of JSON, too.
type printer struct {
	file *os.File
	// styled says that the report's own colours and links may pass.
	styled bool
	held   []byte // the beginning of something that is not whole yet
}

// styles matches what the report's colours and links are made of.
var styles = regexp.MustCompile(report.StylePattern)

// begun matches the beginning of a style, or of a line end, at the end of a text.
var begun = regexp.MustCompile(`(?:\r|\x1b(?:\[[0-9]{0,2}|\](?:8(?:;(?:;[!-~]{0,200}\x1b?)?)?)?)?)$`)

func (p *printer) Write(data []byte) (int, error) {
	all := append(p.held, data...)
	whole := len(all)
	if cut := begun.FindIndex(all); cut != nil {
		whole = cut[0]
	}
	for back := 1; back < utf8.UTFMax && back <= whole; back++ {
		if b := all[whole-back]; utf8.RuneStart(b) {
			if !utf8.FullRune(all[whole-back : whole]) {
				whole -= back
			}
			break
		}
	}
	p.held = bytes.Clone(all[whole:])
	if _, err := p.file.Write(p.printable(all[:whole])); err != nil {
		return 0, err
	}
	return len(data), nil
}

func (p *printer) printable(data []byte) []byte {
	if !p.styled {
		return []byte(text.PrintableLines(string(data)))
	}
	var out []byte
	at := 0
	for _, s := range append(styles.FindAllIndex(data, -1), []int{len(data), len(data)}) {
		out = append(out, text.PrintableLines(string(data[at:s[0]]))...)
		out = append(out, data[s[0]:s[1]]...)
		at = s[1]
	}
	return out
}

// raw is what a writer writes to, for what has to arrive as it is: the text of a file that goes through, and the lines that are drawn over.
func raw(w io.Writer) io.Writer {
	if p, ok := w.(*printer); ok {
		return p.file
	}
	return w
}
