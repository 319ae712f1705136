package diagnostics

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// A suppression comment is one of
//
//	x = torch.load(p)  # ckpt-lsp: ignore[unsafe-load, CKP414] the file is our own
//	x = torch.load(p)  # ckpt-lsp: ignore
//	# ckpt-lsp: ignore-file[missing-rng-state] evaluated once, never resumed
//	# ckpt-lsp: ignore-file
//
// Brackets hold codes, names, families or ALL; without brackets every rule is meant. A line's comment stands on the line where
// the finding starts, on the line where it ends, or behind the statement that holds it. A file's comment stands above the
// first statement; a docstring may come before it.
type suppression struct {
	// span is the directive inside its comment, "# ckpt-lsp: ..." with the reason.
	span text.Span
	line int
	file bool
	// fault says why the comment silences nothing, as far as its wording goes.
	fault string
	// refs is empty for a bare comment, which silences all.
	refs []suppressionRef
	bare suppressionRef
}

type suppressionRef struct {
	span     text.Span
	selector Selector
	known    bool
	used     bool
	unused   bool
}

// suppressions are the suppression comments of one file.
type suppressions struct {
	rules *Registry
	tree  *pyast.Tree
	lines *text.LineIndex
	all   []*suppression
}

const marker = "ckpt-lsp:"

var (
	directivePattern = regexp.MustCompile(`#[ \t]*ckpt-lsp:[ \t]*([A-Za-z_-]*)[ \t]*(\[[^\]]*\]?)?`)
	refPattern       = regexp.MustCompile(`[^,\s]+`)
)

func readSuppressions(tree *pyast.Tree, rules *Registry) *suppressions {
	s := &suppressions{rules: rules, tree: tree}
	src := tree.Source()
	if !bytes.Contains(src, []byte(marker)) {
		return s
	}
	s.lines = text.NewLineIndex(src)
	head := headEnd(tree)
	for n := range tree.Root().Descendants() {
		if n.Kind() != pyast.KindComment {
			continue
		}
		comment := n.Text()
		found := directivePattern.FindAllStringSubmatchIndex(comment, -1)
		for i, m := range found {
			end := len(comment)
			if i+1 < len(found) {
				end = found[i+1][0]
			}
			if next := strings.IndexByte(comment[m[1]:end], '#'); next >= 0 {
				end = m[1] + next
			}
			s.all = append(s.all, s.directive(comment, m, end, n.Start(), head))
		}
	}
	return s
}

// directive reads one match m of directivePattern in a comment that starts at offset; the directive goes on to end.
func (s *suppressions) directive(comment string, m []int, end, offset, head int) *suppression {
	d := &suppression{span: text.Span{Start: offset + m[0], End: offset + end}, line: s.lines.Line(offset)}
	switch word := comment[m[2]:m[3]]; word {
	case "ignore":
	case "ignore-file":
		d.file = true
		if offset >= head {
			d.fault = "An `ignore-file` comment must stand above the first statement; this one silences nothing."
		}
	default:
		d.fault = fmt.Sprintf("`ckpt-lsp: %s` is not known; write `ckpt-lsp: ignore[rule]` or `ckpt-lsp: ignore-file[rule]`.", word)
	}
	if m[4] < 0 || d.fault != "" {
		return d
	}
	list := comment[m[4]:m[5]]
	if !strings.HasSuffix(list, "]") {
		d.fault = "The list of rules has no closing bracket; this comment silences nothing."
		return d
	}
	for _, at := range refPattern.FindAllStringIndex(list[:len(list)-1], -1) {
		if at[0] == 0 {
			at[0] = 1 // the opening bracket
		}
		if at[0] >= at[1] {
			continue
		}
		selector, err := s.rules.Selector(list[at[0]:at[1]])
		d.refs = append(d.refs, suppressionRef{
			span:     text.Span{Start: offset + m[4] + at[0], End: offset + m[4] + at[1]},
			selector: selector, known: err == nil,
		})
	}
	if len(d.refs) == 0 {
		d.fault = "The list names no rule; this comment silences nothing."
	}
	return d
}

// headEnd is the offset of the first statement that is not the docstring.
func headEnd(tree *pyast.Tree) int {
	first := true
	for c := range tree.Root().Children() {
		if first && c.Is(pyast.KindExpressionStatement) && c.Nth(0).Is(pyast.KindString, pyast.KindConcatenatedString) {
			first = false
			continue
		}
		return c.Start()
	}
	return len(tree.Source()) + 1
}

// silence takes out the findings that a comment names, and marks what was of use. A finding of a rule about suppression
// comments is silenced only by a comment that names the rule.
func (s *suppressions) silence(found []Diagnostic) []Diagnostic {
	if len(s.all) == 0 {
		return found
	}
	var kept []Diagnostic
	for _, d := range found {
		lines := s.linesOf(d.Span)
		silenced := false
		for _, c := range s.all {
			if c.fault != "" || !c.file && !lines[c.line] {
				continue
			}
			if len(c.refs) == 0 && !d.Rule.OnSuppressions {
				c.bare.used, silenced = true, true
			}
			for i := range c.refs {
				r := &c.refs[i]
				if r.known && r.selector.Selects(d.Rule) && (!d.Rule.OnSuppressions || r.selector.rule != nil) {
					r.used, silenced = true, true
				}
			}
		}
		if !silenced {
			kept = append(kept, d)
		}
	}
	return kept
}

// linesOf are the lines whose comment silences a finding with the span.
func (s *suppressions) linesOf(span text.Span) map[int]bool {
	return map[int]bool{
		s.lines.Line(span.Start):                                true,
		s.lines.Line(span.End):                                  true,
		s.lines.Line(commentPlace(s.tree, s.lines, span.Start)): true,
		s.lines.Line(StatementEnd(s.tree, span.Start)):          true,
	}
}

// judge marks as unused what silenced nothing, where that is sure: the rules meant have run, and the file parses.
func (s *suppressions) judge(ran map[*Rule]bool) {
	if s.tree.HasErrors() {
		return
	}
	for _, c := range s.all {
		if c.fault == "" && len(c.refs) == 0 {
			c.bare.unused = !c.bare.used && s.allRan(Selector{prefix: allRules}, ran)
		}
		for i := range c.refs {
			r := &c.refs[i]
			r.unused = r.known && !r.used && s.allRan(r.selector, ran)
		}
	}
}

// allRan reports whether no rule that the selector names was left out, other than those off by default.
func (s *suppressions) allRan(named Selector, ran map[*Rule]bool) bool {
	for _, r := range s.rules.rules {
		if named.Selects(r) && !ran[r] && !(named.rule == nil && (r.Severity == Off || r.OnSuppressions)) {
			return false
		}
	}
	return true
}

// UselessSuppression is a suppression comment, or some of the rules it names, that silences nothing.
type UselessSuppression struct {
	// Span is what silences nothing.
	Span text.Span
	// Remove is what to delete so that the rest stays well formed.
	Remove text.Span
	// Message says why.
	Message string
	// Mistaken reports that the comment is misspelt, so that a finding its author meant to silence is still there.
	Mistaken bool
}

// UselessSuppressions are the suppression comments that silence nothing. Only rules with OnSuppressions may ask.
func (p *Pass) UselessSuppressions() []UselessSuppression {
	var out []UselessSuppression
	for _, c := range p.comments.all {
		whole := p.comments.removal(c)
		trimmed := text.Span{Start: c.span.Start, End: c.span.Start + len(bytes.TrimRight(p.comments.tree.Source()[c.span.Start:c.span.End], " \t"))}
		switch {
		case c.fault != "":
			out = append(out, UselessSuppression{trimmed, whole, c.fault, true})
		case len(c.refs) == 0 && c.bare.unused:
			out = append(out, UselessSuppression{trimmed, whole, "This comment silences nothing: no rule reports anything here.", false})
		default:
			out = append(out, p.comments.uselessRefs(c, whole)...)
		}
	}
	return out
}

// uselessRefs groups neighbouring rules of a list that go for the same reason, so that what is to be deleted never overlaps.
func (s *suppressions) uselessRefs(c *suppression, whole text.Span) []UselessSuppression {
	useless := func(i int) bool { return i < len(c.refs) && (c.refs[i].unused || !c.refs[i].known) }
	var out []UselessSuppression
	for i := 0; i < len(c.refs); i++ {
		if !useless(i) {
			continue
		}
		last := i
		for useless(last + 1) {
			last++
		}
		u := UselessSuppression{Span: text.Span{Start: c.refs[i].span.Start, End: c.refs[last].span.End}}
		switch {
		case i == 0 && last == len(c.refs)-1:
			u.Remove = whole
		case last < len(c.refs)-1:
			u.Remove = text.Span{Start: u.Span.Start, End: c.refs[last+1].span.Start}
		default:
			u.Remove = text.Span{Start: c.refs[i-1].span.End, End: u.Span.End}
		}
		var unused, unknown []string
		for _, r := range c.refs[i : last+1] {
			name := string(s.tree.Source()[r.span.Start:r.span.End])
			if r.known {
				unused = append(unused, "`"+name+"`")
			} else {
				unknown = append(unknown, fmt.Sprintf("`%s` %s", name, s.rules.unknown(name)))
			}
		}
		if len(unused) > 0 {
			where := "here"
			if c.file {
				where = "in this file"
			}
			verb := "reports"
			if len(unused) > 1 {
				verb = "report"
			}
			u.Message = fmt.Sprintf("%s %s nothing %s; the comment is not needed.", strings.Join(unused, ", "), verb, where)
		}
		u.Message = strings.TrimSpace(u.Message + " " + strings.Join(unknown, " "))
		u.Mistaken = len(unknown) > 0
		out = append(out, u)
		i = last
	}
	return out
}

// removal is what to delete to be rid of a directive: its whole line when nothing else is on it, else the directive with the
// blanks before it, or only up to the next part of a comment that goes on.
func (s *suppressions) removal(c *suppression) text.Span {
	src := s.tree.Source()
	line := s.lines.LineSpan(c.line)
	if c.span.End < line.End {
		return c.span
	}
	floor := line.Start
	for _, o := range s.all {
		if o.line == c.line && o.span.End <= c.span.Start {
			floor = o.span.End // its removal may take the blanks behind it
		}
	}
	start := floor + len(bytes.TrimRight(src[floor:c.span.Start], " \t\f"))
	if start > line.Start {
		return text.Span{Start: start, End: c.span.End}
	}
	end := line.End
	if c.line+1 < s.lines.Lines() {
		end = s.lines.LineSpan(c.line + 1).Start
	}
	return text.Span{Start: line.Start, End: end}
}
