package report

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// painter writes text in a style.
type painter struct{ Style }

// Escape sequences of ECMA-48.
const (
	red, yellow, blue, cyan, green, faint, bold, reset = "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[36m", "\x1b[32m", "\x1b[2m", "\x1b[1m", "\x1b[0m"
)

// StylePattern matches, as a regular expression, what a Style adds to a text: colours, and links to the documentation.
const StylePattern = `\x1b\[(?:31|33|34|36|32|2|1|0)m|\x1b\]8;;(?:https://[!-~]*)?\x1b\\`

func (p painter) paint(code, s string) string {
	if !p.Color || s == "" {
		return s
	}
	return code + s + reset
}

// link is a text that leads to an address where the terminal knows hyperlinks (OSC 8).
func link(address, s string) string { return "\x1b]8;;" + address + "\x1b\\" + s + "\x1b]8;;\x1b\\" }

func (p painter) dim(s string) string  { return p.paint(faint, s) }
func (p painter) bold(s string) string { return p.paint(bold, s) }

// Heading is a line that stands out.
func (s Style) Heading(line string) string { return painter{s}.bold(line) }

func (p painter) mark(sign, s string) string {
	if sign == "^" {
		return p.paint(red, s)
	}
	return p.paint(blue, s)
}

var severityColors = map[diagnostics.Severity]string{
	diagnostics.Error: red, diagnostics.Warning: yellow, diagnostics.Information: blue, diagnostics.Hint: cyan,
}

func writeText(w io.Writer, r *Report, style Style) error {
	out := bufio.NewWriter(w)
	p, r := painter{style}, r.forPeople()
	for i, told := range r.folded() {
		f := &r.Files[i]
		places := newPlaces(r, f)
		for len(told) > 0 {
			n := f.together(told)
			p.findings(out, f, places, told[:n])
			told = told[n:]
		}
	}
	fmt.Fprint(out, p.summary(r))
	return out.Flush()
}

// together is how many of the findings, from the first on, stand in one line within each other: their source is shown once.
func (f *File) together(told []shown) int {
	span := f.Diagnostics[told[0].index].Span
	n := 1
	for ; n < len(told); n++ {
		next := f.Diagnostics[told[n].index].Span
		if !span.Overlaps(next) || bytes.IndexByte(f.Source.Text[span.Start:next.Start], '\n') >= 0 {
			break
		}
	}
	return n
}

// findings writes what is found at one place: for each finding where, what and the message, then the source with marks, the places
// it refers to, and the fixes.
func (p painter) findings(out io.Writer, f *File, places *places, told []shown) {
	var own, marks, elsewhere []mark // what is found, and what that refers to in this file, or cell, and in others
	for _, s := range told {
		d := f.Diagnostics[s.index]
		at, _ := places.of("", d.Span)
		own = mark{place: at, sign: "^"}.addTo(own)
		fmt.Fprintf(out, "%s %s %s\n", p.bold(at.name()), p.label(d), p.bold(d.Rule.Name))
		fmt.Fprintln(out, Wrap(text.PrintableLines(d.Message), p.Width, "  ", "  "))
		if len(s.same) > 0 {
			fmt.Fprintln(out, Wrap(alsoAt(s.same), p.Width, "  ", "    "))
		}
		for _, related := range d.Related {
			to, ok := places.of(related.Path, related.Span)
			m := mark{place: to, sign: "-", label: related.Message}
			switch {
			case !ok:
			case to.path == at.path && to.cell == at.cell:
				marks = m.addTo(marks)
			default:
				elsewhere = m.addTo(elsewhere)
			}
		}
	}
	marks = append(marks, own...)
	gutter := gutterFor(append(marks, elsewhere...))
	fmt.Fprint(out, p.snippet(marks, gutter))
	for _, m := range elsewhere {
		fmt.Fprintln(out, Wrap(m.name()+" "+text.PrintableLines(m.label), p.Width, "  note: ", "    "))
		m.label = ""
		fmt.Fprint(out, p.snippet([]mark{m}, gutter))
	}
	for _, fix := range f.Fixes {
		if slices.ContainsFunc(told, func(s shown) bool { return slices.Contains(fix.Resolves, s.index) }) {
			fmt.Fprintln(out, p.help(f, fix, told))
		}
	}
	fmt.Fprintln(out)
}

// mostPlaces is how many places are named that a sentence is said of, too.
const mostPlaces = 4

// alsoAt tells where else a sentence is said.
func alsoAt(same []found) string {
	var names []string
	for _, f := range same[:min(len(same), mostPlaces)] {
		names = append(names, strings.TrimSuffix(f.at.name(), ":"))
	}
	line := fmt.Sprintf("The same in %s: %s", Count(len(same), "more place"), strings.Join(names, ", "))
	if len(same) > mostPlaces {
		line += ", ... (--format concise lists them)"
	}
	return line
}

// label is a finding's severity and code.
func (p painter) label(d diagnostics.Diagnostic) string {
	label := d.Severity.String() + "[" + d.Rule.Code + "]"
	if p.Links {
		label = strings.Replace(label, d.Rule.Code, link(docs.URL(d.Rule), d.Rule.Code), 1)
	}
	return p.paint(severityColors[d.Severity]+bold, label)
}

// help is the line that offers a fix for findings at one place.
func (p painter) help(f *File, fix codeactions.Fix, told []shown) string {
	how := fixKinds[fix.Applicability]
	if fix.Why != "" {
		how += ": " + strings.TrimSuffix(fix.Why, ".")
	}
	var own, others []string
	for _, i := range fix.Resolves {
		code, to := f.Diagnostics[i].Rule.Code, &others
		if slices.ContainsFunc(told, func(s shown) bool { return f.Diagnostics[s.index].Rule.Code == code }) {
			to = &own
		}
		if !slices.Contains(*to, code) {
			*to = append(*to, code)
		}
	}
	switch {
	case len(told) > 1:
		how += "; clears " + strings.Join(append(own, others...), ", ")
	case len(others) > 0:
		how += "; clears " + strings.Join(others, ", ") + " too"
	}
	line := Wrap(text.PrintableLines(fmt.Sprintf("%s (%s)", fix.Title, how)), p.Width, "  help: ", "    ")
	if rest, ok := strings.CutPrefix(line, "  help:"); ok {
		return "  " + p.paint(green, "help:") + rest
	}
	return line
}

var fixKinds = map[diagnostics.Applicability]string{
	diagnostics.Safe: "safe fix", diagnostics.Unsafe: "unsafe fix", diagnostics.Display: "suggestion",
}

// summary are the last lines: what was found, what can be done, and what is not shown.
func (p painter) summary(r *Report) string {
	if r.Quiet {
		return ""
	}
	counts, safe, unsafe := r.counts()
	total := 0
	for _, n := range counts {
		total += n
	}
	var s strings.Builder
	if r.Fixed > 0 {
		fmt.Fprintf(&s, "Fixed %s. ", Count(r.Fixed, "finding"))
	}
	switch {
	case total > 0:
		fmt.Fprintf(&s, "%s in %d of %s: %s.", Count(total, "finding"), len(r.Files), Count(r.Checked, "file"), severities(counts))
	case r.Checked == 0:
		s.WriteString("No files were checked.")
	case r.Fixed > 0:
		fmt.Fprintf(&s, "None left in %s.", Count(r.Checked, "file"))
	default:
		fmt.Fprintf(&s, "No findings in %s.", Count(r.Checked, "file"))
	}
	if r.Checked > 0 && r.Unchecked > 0 {
		fmt.Fprintf(&s, " Not checked: %s.", Count(r.Unchecked, "file"))
	}
	can, more, end := " %d can be fixed with --fix", " %d can be fixed with --fix --unsafe-fixes", ""
	if safe > 0 && !r.Fixing {
		fmt.Fprintf(&s, can, safe)
		more, end = ", %d more with --fix --unsafe-fixes", "."
	}
	if unsafe > 0 && !r.UnsafeFixing {
		fmt.Fprintf(&s, more, unsafe)
		end = "."
	}
	s.WriteString(end)
	lines := p.bold(Wrap(s.String(), p.Width, "", "")) + "\n"
	if least := weakest(r.Hidden); least != diagnostics.Off {
		lines += fmt.Sprintf("%s: --severity %s\n", severities(r.Hidden), least)
	}
	return lines
}

// counts are the numbers of the findings by severity, and of those whose best fix is safe or unsafe.
func (r *Report) counts() (counts map[diagnostics.Severity]int, safe, unsafe int) {
	counts = map[diagnostics.Severity]int{}
	for i := range r.Files {
		f := &r.Files[i]
		for j, d := range f.Diagnostics {
			counts[d.Severity]++
			switch best(f.fixesFor(j)) {
			case diagnostics.Safe:
				safe++
			case diagnostics.Unsafe:
				unsafe++
			}
		}
	}
	return counts, safe, unsafe
}

// DiffSummary says how many findings would be fixed, in how many files that would change.
func DiffSummary(r *Report, files int) string {
	said := "Nothing would change."
	if files > 0 {
		said = fmt.Sprintf("Would fix %s in %s.", Count(r.Fixed, "finding"), Count(files, "file"))
	}
	if _, _, unsafe := r.counts(); unsafe > 0 && !r.UnsafeFixing {
		said += fmt.Sprintf(" %d can be fixed with --unsafe-fixes.", unsafe)
	}
	return said
}

// severities are numbers of findings by severity, the most severe first.
func severities(counts map[diagnostics.Severity]int) string {
	var kinds []string
	for severity := diagnostics.Error; severity > diagnostics.Off; severity-- {
		if n := counts[severity]; n > 0 {
			kinds = append(kinds, Count(n, severity.String()))
		}
	}
	return strings.Join(kinds, ", ")
}

// weakest is the least severe of what is counted, Off for nothing.
func weakest(counts map[diagnostics.Severity]int) diagnostics.Severity {
	for severity := diagnostics.Hint; severity <= diagnostics.Error; severity++ {
		if counts[severity] > 0 {
			return severity
		}
	}
	return diagnostics.Off
}

func best(fixes []codeactions.Fix) diagnostics.Applicability {
	best := diagnostics.Display
	for _, f := range fixes {
		best = max(best, f.Applicability)
	}
	return best
}

// Count is a number with its noun; "information" has no plural.
func Count(n int, noun string) string {
	if n == 1 || noun == diagnostics.Information.String() {
		return fmt.Sprintf("%d %s", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
