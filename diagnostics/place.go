package diagnostics

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// SuppressLine is the edit that silences the finding where it stands, or an edit without effect if it is silenced already. It
// adds to a list of rules on a line whose comment counts for the finding, and goes behind any other comment.
func SuppressLine(tree *pyast.Tree, d Diagnostic, rules *Registry) text.Edit {
	if edits := SuppressLines(tree, []Diagnostic{d}, rules, ""); len(edits) > 0 {
		return edits[0]
	}
	return text.Edit{}
}

// SuppressLines are the edits that silence findings where they stand, one a comment. The reason, if any, stands behind the rules of new
// comments.
func SuppressLines(tree *pyast.Tree, found []Diagnostic, rules *Registry, reason string) []text.Edit {
	lines, comments := text.NewLineIndex(tree.Source()), readSuppressions(tree, rules)
	var places []int // in the order they are come to
	names := map[int][]string{}
	fresh := map[int]bool{} // places of new comments
	for _, d := range found {
		place, extends := 0, false
		if e, ok := extend(comments, d.Rule, func(s *suppression) bool { return !s.file && comments.linesOf(d.Span)[s.line] }); ok {
			if e.New == "" {
				continue
			}
			place, extends = e.Start, true
		} else {
			place = commentPlace(tree, lines, d.Span.Start)
		}
		if names[place] == nil {
			places = append(places, place)
		}
		if fresh[place] = !extends; !slices.Contains(names[place], d.Rule.Name) {
			names[place] = append(names[place], d.Rule.Name)
		}
	}
	var out []text.Edit
	for _, place := range places {
		list := strings.Join(names[place], ", ")
		if !fresh[place] {
			list = ", " + list
		} else {
			gap := "  "
			if before := tree.Source()[lines.LineSpan(lines.Line(place)).Start:place]; len(bytes.TrimRight(before, " \t")) < len(before) {
				gap = ""
			}
			list = fmt.Sprintf("%s# %s ignore[%s]", gap, marker, list)
			if reason != "" {
				list += " " + reason
			}
		}
		out = append(out, text.Edit{Span: text.Span{Start: place, End: place}, New: list})
	}
	return out
}

// SuppressFile is the edit that silences the findings' rules in the whole file, or an edit without effect if they are silenced
// already. It adds to a comment that is there; a new one goes below the comments that must come first: the interpreter line and the
// coding comment.
func SuppressFile(tree *pyast.Tree, found []Diagnostic, rules *Registry) text.Edit {
	comments := readSuppressions(tree, rules)
	var names, fresh []string
	var extended text.Edit
	for _, d := range found {
		if slices.Contains(names, d.Rule.Name) {
			continue
		}
		names = append(names, d.Rule.Name)
		e, ok := extend(comments, d.Rule, func(s *suppression) bool { return s.file })
		switch {
		case !ok:
			fresh = append(fresh, d.Rule.Name)
		case e.New != "":
			extended = text.Edit{Span: e.Span, New: extended.New + e.New}
		}
	}
	if len(fresh) == 0 {
		return extended
	}
	src := tree.Source()
	lines := text.NewLineIndex(src)
	at := 0
	for line := range min(2, lines.Lines()) {
		span := lines.LineSpan(line)
		content := src[span.Start:span.End]
		if !bytes.HasPrefix(content, []byte("#!")) && !(bytes.HasPrefix(bytes.TrimLeft(content, " \t\f"), []byte("#")) && bytes.Contains(content, []byte("coding"))) {
			continue
		}
		at = lines.LineSpan(line + 1).Start
	}
	comment := fmt.Sprintf("# %s ignore-file[%s]", marker, strings.Join(fresh, ", "))
	end := newline(src)
	if at > 0 && src[at-1] != '\n' && src[at-1] != '\r' {
		comment, end = end+comment, ""
	}
	return text.Edit{Span: text.Span{Start: at, End: at}, New: comment + end}
}

// extend adds the rule to the first comment of the kind wanted. A comment that silences the rule already gives an edit that
// changes nothing.
func extend(s *suppressions, r *Rule, wanted func(*suppression) bool) (text.Edit, bool) {
	for _, c := range s.all {
		if c.fault != "" || !wanted(c) {
			continue
		}
		for _, ref := range c.refs {
			if ref.known && ref.selector.Selects(r) {
				return text.Edit{}, true
			}
		}
		if len(c.refs) == 0 {
			return text.Edit{}, true
		}
		end := c.refs[len(c.refs)-1].span.End
		return text.Edit{Span: text.Span{Start: end, End: end}, New: ", " + r.Name}, true
	}
	return text.Edit{}, false
}

// commentPlace is the end of the first line, from the one that holds the offset on, where a comment can be written: not inside
// a string and not behind a backslash.
func commentPlace(tree *pyast.Tree, lines *text.LineIndex, offset int) int {
	end := lines.LineSpan(lines.Line(offset)).End
	for !takesComment(tree, end) {
		next := lines.LineSpan(lines.Line(max(StatementEnd(tree, offset), end))).End
		if next <= end {
			next = lines.LineSpan(lines.Line(end) + 1).End
		}
		if next <= end {
			return end
		}
		end = next
	}
	return end
}

// takesComment reports whether a comment can stand at the end of a line that ends at the offset.
func takesComment(tree *pyast.Tree, end int) bool {
	n := tree.At(end)
	for ; n.Valid(); n = n.Parent() {
		if n.Is(pyast.KindString) && n.Start() < end && end < n.End() {
			return false
		}
	}
	return !bytes.HasSuffix(tree.Source()[:end], []byte{'\\'}) || !continues(tree, end-1)
}

// continues reports whether the backslash at the offset joins two lines; one in a comment does not.
func continues(tree *pyast.Tree, offset int) bool {
	for n := range tree.Root().Descendants() {
		if n.Is(pyast.KindLineContinuation) && n.Start() == offset {
			return true
		}
	}
	return false
}

// StatementEnd is the end of the statement that holds the offset, or of its header if it has a body.
func StatementEnd(tree *pyast.Tree, offset int) int {
	n := tree.At(offset)
	for p := n.Parent(); p.Valid() && !p.Is(pyast.KindBlock, pyast.KindModule, pyast.KindError); p = n.Parent() {
		n = p
	}
	if !n.Parent().Valid() {
		return offset
	}
	for block := range n.Descendants() {
		if !block.Is(pyast.KindBlock) || block.Start() <= offset {
			continue
		}
		header := max(offset, block.Parent().Start())
		for c := range block.Parent().Children() {
			if c == block {
				return header
			}
			header = max(header, c.End())
		}
	}
	return n.End()
}

// newline is the line end the file uses.
func newline(src []byte) string {
	if i := bytes.IndexByte(src, '\n'); i > 0 && src[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}
