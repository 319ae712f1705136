package codeactions

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// sheet collects the edits of one fix to one file and knows the file's style.
type sheet struct {
	file    *training.File
	mod     *pysem.Module // the file to edit, which may be another than the facts'
	src     []byte
	edits   []text.Edit
	heads   []text.Edit       // imports, which come before helpers at the same place
	imports map[string]string // module -> local name, of imports this fix adds
	below   []*pysem.Def      // imports that the fix relies on and that stand below other statements
	newline string
	quote   string
	unit    string
}

func newSheet(file *training.File, mod *pysem.Module) *sheet {
	style := mod.Style()
	return &sheet{file: file, mod: mod, src: mod.Tree.Source(), imports: map[string]string{}, newline: style.Newline, quote: style.Quote, unit: style.Indent}
}

// lineStart is the offset of the first byte of the line that offset stands in.
func lineStart(src []byte, offset int) int {
	for offset > 0 && src[offset-1] != '\n' && src[offset-1] != '\r' {
		offset--
	}
	return offset
}

// lineEnd is the offset behind the last byte of the line, its line break left out.
func lineEnd(src []byte, offset int) int {
	for offset < len(src) && src[offset] != '\n' && src[offset] != '\r' {
		offset++
	}
	return offset
}

// nextLine is the offset of the line behind the one that offset stands in.
func nextLine(src []byte, offset int) int {
	offset = lineEnd(src, offset)
	if offset < len(src) && src[offset] == '\r' {
		offset++
	}
	if offset < len(src) && src[offset] == '\n' {
		offset++
	}
	return offset
}

// indentAt is the white space at the head of the line.
func indentAt(src []byte, offset int) string {
	start := lineStart(src, offset)
	end := start
	for end < len(src) && (src[end] == ' ' || src[end] == '\t') {
		end++
	}
	return string(src[start:end])
}

func (s *sheet) indent(n pyast.Node) string { return indentAt(s.src, n.Start()) }

// str is a string literal in the file's quotes.
func (s *sheet) str(content string) string {
	q := s.quote
	if strings.Contains(content, q) {
		q = map[string]string{`"`: "'", "'": `"`}[q]
	}
	return q + content + q
}

func (s *sheet) replace(span text.Span, with string) {
	s.edits = append(s.edits, text.Edit{Span: span, New: with})
}

func (s *sheet) insert(at int, what string) { s.replace(text.Span{Start: at, End: at}, what) }

// linesAfter puts whole lines, at the statement's indentation, behind it.
func (s *sheet) linesAfter(stmt pyast.Node, lines ...string) {
	at := lineEnd(s.src, stmt.End())
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(s.newline + s.at(stmt, l))
	}
	s.insert(at, b.String())
}

// linesBefore puts whole lines, at the statement's indentation, in front of it.
func (s *sheet) linesBefore(stmt pyast.Node, lines ...string) {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(s.at(stmt, l) + s.newline)
	}
	s.insert(lineStart(s.src, stmt.Start()), b.String())
}

// at indents a line like the statement; each leading tab of the line stands for one level more.
func (s *sheet) at(stmt pyast.Node, line string) string {
	if line == "" {
		return ""
	}
	body := strings.TrimLeft(line, "\t")
	return s.indent(stmt) + strings.Repeat(s.unit, len(line)-len(body)) + body
}

// statement is the statement a node belongs to.
func statement(n pyast.Node) pyast.Node {
	for ; n.Valid(); n = n.Parent() {
		if n.Parent().Is(pyast.KindBlock, pyast.KindModule) {
			return n
		}
	}
	return n
}

// ownLine reports whether a statement starts its line and nothing but a comment follows it, so that lines can be put around it.
func (s *sheet) ownLine(stmt pyast.Node) bool {
	head := strings.TrimSpace(string(s.src[lineStart(s.src, stmt.Start()):stmt.Start()]))
	tail := strings.TrimSpace(string(s.src[stmt.End():lineEnd(s.src, stmt.End())]))
	return head == "" && (tail == "" || strings.HasPrefix(tail, "#"))
}

// module is the local name of a module, which is imported if the file does not yet.
func (s *sheet) module(name string) string {
	if local, ok := s.imports[name]; ok {
		return local
	}
	if local := s.imported(name); local != "" {
		return local
	}
	// A part of an imported package is there with it: torch.distributed, numpy.random.
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		if local := s.imported(name[:i]); local != "" && name != "torch.distributed" {
			return local + name[i:]
		}
	}
	local, line := name, "import "+name
	switch name {
	case "numpy":
		local, line = "np", "import numpy as np"
	case "torch.distributed":
		local, line = "dist", "import torch.distributed as dist"
	}
	s.imports[name] = local
	s.head(name, line)
	return local
}

// head adds the line that imports a module at the head of the file.
func (s *sheet) head(module, line string) {
	at, prefix, suffix := s.among(module)
	if len(s.heads) > 0 && prefix != "" {
		prefix = s.newline // the blank line behind a docstring is there
	}
	s.heads = append(s.heads, text.Edit{Span: text.Span{Start: at, End: at}, New: prefix + line + suffix})
}

// early imports anew, at the head, what the module imports only below a place that the fix writes to, as notebooks do.
func (s *sheet) early() {
	first := len(s.src)
	for _, e := range s.edits {
		first = min(first, e.Start)
	}
	for _, d := range s.below {
		switch {
		case d.Stmt.Start() < first:
		case d.Path == d.Qual:
			s.head(d.Qual, "import "+d.Qual)
		default:
			s.head(d.Qual, "import "+d.Qual+" as "+d.Path)
		}
	}
}

// unused is a name like the wanted one that means nothing where a statement stands, nor in the functions around it.
func (s *sheet) unused(stmt pyast.Node, wanted string) string {
	for {
		taken := false
		for f := s.mod.Scope(stmt); f != nil; f = f.Parent {
			taken = taken || len(f.Defs(wanted)) > 0
		}
		if !taken {
			return wanted
		}
		wanted += "_"
	}
}

// imported is the name under which the module body imports a module, "" if it does not.
func (s *sheet) imported(name string) string {
	top := s.mod.Top
	for n := range s.mod.Tree.Root().Children() {
		if !n.Is(pyast.KindImportStatement, pyast.KindImportFromStatement) {
			continue
		}
		for d := range n.Descendants() {
			if d.Kind() != pyast.KindIdentifier {
				continue
			}
			for _, def := range top.Defs(d.Text()) {
				if def.Kind == pysem.DefImport && def.Qual == name && def.Stmt == n {
					if at, _, _ := s.importPlace(); n.Start() > at && !slices.Contains(s.below, def) {
						s.below = append(s.below, def)
					}
					return def.Path
				}
			}
		}
	}
	return ""
}

// among is where the import of a module goes among those at the head of the file: by the alphabet among the plain ones of its kind,
// which are those of torch and numpy, or, for a module of the standard library, those of the first group.
func (s *sheet) among(module string) (at int, prefix, suffix string) {
	tensors := ofTensors(module)
	imports := s.headImports(!tensors)
	var last pyast.Node
	for _, n := range imports {
		name := n.Nth(0)
		if name.Kind() == pyast.KindAliasedImport {
			name = name.Nth(0)
		}
		switch {
		case n.Kind() != pyast.KindImportStatement || tensors && !ofTensors(name.Text()):
		case name.Text() > module:
			return lineStart(s.src, n.Start()), "", s.newline
		default:
			last = n
		}
	}
	switch {
	case last.Valid():
		return lineEnd(s.src, last.End()), s.newline, ""
	case len(imports) > 0 && !tensors:
		return lineStart(s.src, imports[0].Start()), "", s.newline
	}
	return s.importPlace()
}

func ofTensors(module string) bool {
	root, _, _ := strings.Cut(module, ".")
	return root == "torch" || root == "numpy" || root == "safetensors"
}

// headImports are the imports at the head of the module that stand on lines of their own, without those from __future__; of the first
// group, those on one line after the other.
func (s *sheet) headImports(firstGroup bool) []pyast.Node {
	var out []pyast.Node
	for n := range s.mod.Tree.Root().Children() {
		switch {
		case n.Is(pyast.KindImportStatement, pyast.KindImportFromStatement) && s.ownLine(n):
			if firstGroup && len(out) > 0 && nextLine(s.src, out[len(out)-1].End()) != lineStart(s.src, n.Start()) {
				return out
			}
			out = append(out, n)
		case n.Kind() == pyast.KindFutureImportStatement:
		case len(out) > 0 || n.Kind() != pyast.KindExpressionStatement || n.Nth(0).Kind() != pyast.KindString:
			return out
		}
	}
	return out
}

// importPlace is the end of the imports: behind the last one at the head of the module, or behind its docstring.
func (s *sheet) importPlace() (at int, prefix, suffix string) {
	var last, doc pyast.Node
	for n := range s.mod.Tree.Root().Children() {
		switch {
		case n.Is(pyast.KindImportStatement, pyast.KindImportFromStatement, pyast.KindFutureImportStatement):
			last = n
			continue
		case !last.Valid() && !doc.Valid() && n.Kind() == pyast.KindExpressionStatement && n.Nth(0).Kind() == pyast.KindString:
			doc = n
			continue
		}
		break
	}
	switch {
	case last.Valid():
		return lineEnd(s.src, last.End()), s.newline, ""
	case doc.Valid():
		return lineEnd(s.src, doc.End()), s.newline + s.newline, ""
	}
	at = 0
	for at < len(s.src) && s.src[at] == '#' { // shebang, encoding, licence
		at = nextLine(s.src, at)
	}
	return at, "", s.newline
}

// helper adds a function at the head of the module, behind the imports, unless the file has one of that name. Statements that follow
// it may be given too. Two blank lines stand around the function, as PEP 8 has it.
func (s *sheet) helper(name string, lines []string, follow ...string) {
	for _, d := range s.mod.Top.Defs(name) {
		if d.Kind == pysem.DefFunc || d.Kind == pysem.DefImport {
			return
		}
	}
	var last pyast.Node
	for n := range s.mod.Tree.Root().Children() {
		if n.Is(pyast.KindImportStatement, pyast.KindImportFromStatement, pyast.KindFutureImportStatement) {
			last = n
		} else if last.Valid() {
			break
		}
	}
	at, before, _ := s.importPlace()
	if last.Valid() {
		at, before = lineEnd(s.src, last.End()), s.newline
	}
	behind := before != "" // behind a line, not at the head of one
	blank := strings.Repeat(s.newline, 2)
	var b strings.Builder
	b.WriteString(blank)
	if behind {
		b.WriteString(s.newline)
	}
	for i, l := range lines {
		if i > 0 {
			b.WriteString(s.newline)
		}
		body := strings.TrimLeft(l, "\t")
		b.WriteString(strings.Repeat(s.unit, len(l)-len(body)) + body)
	}
	next := at
	if behind {
		next = nextLine(s.src, at)
	}
	switch {
	case len(follow) > 0:
		b.WriteString(s.newline + blank + strings.Join(follow, s.newline))
	default:
		b.WriteString(strings.Repeat(s.newline, 2-s.blankLines(next)))
	}
	if !behind {
		b.WriteString(s.newline)
	}
	s.insert(at, b.String())
}

// blankLines is how many of two blank lines stand at the head of a line, in front of more code; two at the end of the file.
func (s *sheet) blankLines(at int) int {
	if strings.TrimSpace(string(s.src[at:])) == "" {
		return 2
	}
	n := 0
	for n < 2 && strings.TrimSpace(string(s.src[at:lineEnd(s.src, at)])) == "" {
		n, at = n+1, nextLine(s.src, at)
	}
	return n
}

// fix is the collected edits as a fix.
func (s *sheet) fix(f Fix) Fix {
	s.early()
	f.Edits = []FileEdits{{Edits: append(s.heads, s.edits...)}}
	return f
}

func spanOf(start, end int) text.Span { return text.Span{Start: start, End: end} }
