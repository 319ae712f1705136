package rules

import (
	"fmt"
	"path"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// once lets each place through only once: a helper called from several places runs in several contexts.
type once map[pyast.Node]bool

func (o once) first(n pyast.Node) bool {
	seen := o[n]
	o[n] = true
	return !seen
}

// shown names a file for a message: its name with "*" for what changes, or the expression that gives it.
func shown(p *training.Path) string { return shownOr(p, "the same file") }

// shownOr is shown with what to call a file whose name is too long to be told.
func shownOr(p *training.Path, otherwise string) string {
	if p.Known && !p.Several() {
		return "`" + p.Pattern + "`"
	}
	if s := p.Node.Text(); s != "" && len(s) <= 40 && !strings.ContainsAny(s, "\r\n") {
		return "`" + s + "`"
	}
	return otherwise
}

// lineOf is a node's line for a message, counted from 1.
func lineOf(n pyast.Node) int {
	return text.NewLineIndex(n.Tree().Source()).Line(n.Start()) + 1
}

// lineIn names a node's line in a message that stands at another node, with the file where it is another one.
func lineIn(f *training.File, n, from pyast.Node) string {
	line := fmt.Sprintf("line %d", lineOf(n))
	if n.Tree() == from.Tree() {
		return line
	}
	if m := f.ModuleOf(n.Tree()); m != nil {
		return line + " of " + path.Base(m.Path)
	}
	return line + " of another file"
}

// because says what shows that several processes run, with its line.
func because(f *training.File, e training.Processes, from pyast.Node) string {
	return e.What + ", " + lineIn(f, e.Node, from)
}

// writeFull turns off what leaves the optimizer out of a framework's checkpoints.
func writeFull(call pyast.Node, keyword string) diagnostics.SetKeyword {
	return diagnostics.SetKeyword{Title: "Write full checkpoints", Call: call, Name: keyword, Value: "False", Reason: "with Adam they are about three times as large"}
}
