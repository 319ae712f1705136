package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// painter writes text in a style.
type painter struct{ Style }

// Escape sequences of ECMA-48.
const (
	red, yellow, blue, cyan, green, faint, bold, reset = "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[36m", "\x1b[32m", "\x1b[2m", "\x1b[1m", "\x1b[0m"
)

func (p painter) paint(code, s string) string {
	if !p.Color || s == "" {
		return s
	}
	return code + s + reset
}

func (p painter) dim(s string) string  { return p.paint(faint, s) }
func (p painter) bold(s string) string { return p.paint(bold, s) }

// Heading is a line that stands out.
func (s Style) Heading(line string) string { return painter{s}.bold(line) }

func (p painter) mark(mark, s string) string {
	if mark == "^" {
		return p.paint(red, s)
	}
	return p.paint(blue, s)
}

var severityColors = map[diagnostics.Severity]string{
	diagnostics.Error: red, diagnostics.Warning: yellow, diagnostics.Information: blue, diagnostics.Hint: cyan,
}

func writeText(w io.Writer, r *Report, style Style) error {
	out := bufio.NewWriter(w)
	p := painter{style}
	for i := range r.Files {
		f := &r.Files[i]
		places := newPlaces(r, f)
		for j := range f.Diagnostics {
			p.finding(out, f, places, j)
		}
	}
	fmt.Fprintln(out, p.summary(r))
	return out.Flush()
}

// finding writes one finding: where and what, the message, the source with marks, the places it refers to, the fixes.
func (p painter) finding(out io.Writer, f *File, places *places, i int) {
	d := f.Diagnostics[i]
	at, _ := places.of("", d.Span)
	fmt.Fprintf(out, "%s %s %s\n", p.bold(at.name()),
		p.paint(severityColors[d.Severity]+bold, d.Severity.String()+"["+d.Rule.Code+"]"), p.bold(d.Rule.Name))
	fmt.Fprintln(out, Wrap(d.Message, p.Width, "  ", "  "))

	all := []place{at}
	labels := []string{""}
	for _, related := range d.Related {
		if at, ok := places.of(related.Path, related.Span); ok {
			all = append(all, at)
			labels = append(labels, related.Message)
		}
	}
	gutter := gutterFor(all)
	fmt.Fprintln(out, p.dim(fmt.Sprintf("%*s |", gutter, "")))
	fmt.Fprint(out, p.snippet(at, gutter, "^", ""))
	for j, related := range all[1:] {
		fmt.Fprintln(out, Wrap(related.name()+" "+labels[j+1], p.Width, "  note: ", "    "))
		fmt.Fprint(out, p.snippet(related, gutter, "-", ""))
	}
	for _, fix := range f.fixesFor(i) {
		fmt.Fprintln(out, p.help(f, fix, i))
	}
	fmt.Fprintln(out)
}

// help is the line that offers a fix.
func (p painter) help(f *File, fix codeactions.Fix, i int) string {
	var how string
	switch fix.Applicability {
	case diagnostics.Safe:
		how = "safe fix"
	case diagnostics.Unsafe:
		how = "unsafe fix"
	default:
		how = "suggestion"
	}
	if fix.Why != "" {
		how += ": " + strings.TrimSuffix(fix.Why, ".")
	}
	var others []string
	for _, other := range fix.Resolves {
		if other != i && f.Diagnostics[other].Rule != f.Diagnostics[i].Rule {
			others = append(others, f.Diagnostics[other].Rule.Code)
		}
	}
	if len(others) > 0 {
		how += "; clears " + strings.Join(others, ", ") + " too"
	}
	line := Wrap(fmt.Sprintf("%s (%s)", fix.Title, how), p.Width, "  help: ", "    ")
	if rest, ok := strings.CutPrefix(line, "  help:"); ok {
		return "  " + p.paint(green, "help:") + rest
	}
	return line
}

// summary is the last line: what was found, and what can be done.
func (p painter) summary(r *Report) string {
	counts := map[diagnostics.Severity]int{}
	total, safe, unsafe := 0, 0, 0
	for i := range r.Files {
		f := &r.Files[i]
		for j, d := range f.Diagnostics {
			counts[d.Severity]++
			total++
			switch best(f.fixesFor(j)) {
			case diagnostics.Safe:
				safe++
			case diagnostics.Unsafe:
				unsafe++
			}
		}
	}
	var s strings.Builder
	if r.Fixed > 0 {
		fmt.Fprintf(&s, "Fixed %s. ", Count(r.Fixed, "finding"))
	}
	if total == 0 {
		left := "No findings"
		if r.Fixed > 0 {
			left = "None left"
		}
		fmt.Fprintf(&s, "%s in %s.", left, Count(r.Checked, "file"))
		return p.bold(s.String())
	}
	var kinds []string
	for severity := diagnostics.Error; severity > diagnostics.Off; severity-- {
		if n := counts[severity]; n > 0 {
			kinds = append(kinds, Count(n, severity.String()))
		}
	}
	fmt.Fprintf(&s, "%s in %d of %s: %s.", Count(total, "finding"), len(r.Files), Count(r.Checked, "file"), strings.Join(kinds, ", "))
	if safe > 0 && !r.Fixing {
		fmt.Fprintf(&s, " %d can be fixed with --fix.", safe)
	}
	if unsafe > 0 && !r.UnsafeFixing {
		fmt.Fprintf(&s, " %d can be fixed with --fix --unsafe-fixes.", unsafe)
	}
	return p.bold(Wrap(s.String(), p.Width, "", ""))
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
