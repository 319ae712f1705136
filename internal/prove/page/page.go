// Package page writes what prove has found: as text for a terminal, as Markdown for a pull request, as one page of HTML with its picture,
// and as JSON for programs.
package page

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Schema is the JSON Schema of what is written as JSON.
//
//go:embed schema.json
var Schema []byte

// Page is a proof with what goes with it.
type Page struct {
	*prove.Report
	// Version is that of ckpt-lsp.
	Version string
	// Findings are those of check that tell of what was found.
	Findings []Finding
	// Style is how text is laid out.
	Style report.Style
}

// Finding is a finding of check that tells of what the proof has found.
type Finding struct {
	Rule string `json:"rule"`
	Code string `json:"code"`
	Path string `json:"path"`
	Line int    `json:"line"`
	URL  string `json:"url"`
}

// formats are the ways to write a page.
var formats = map[string]func(io.Writer, *Page) error{"html": writeHTML, "json": writeJSON, "markdown": writeMarkdown, "text": writeText}

// endings are those of files, and the format that each stands for.
var endings = map[string]string{".htm": "html", ".html": "html", ".json": "json", ".markdown": "markdown", ".md": "markdown", ".txt": "text"}

// Formats are the names that Write knows.
func Formats() []string { return slices.Sorted(maps.Keys(formats)) }

// FormatOf is the format that a file is written in, by how its name ends.
func FormatOf(path string) (string, error) {
	ending := strings.ToLower(filepath.Ext(path))
	if format, ok := endings[ending]; ok {
		return format, nil
	}
	return "", fmt.Errorf("%s: the name's ending says how it is written: expected one of %s", path, strings.Join(slices.Sorted(maps.Keys(endings)), ", "))
}

// Write writes the page in the named format.
func Write(w io.Writer, format string, p *Page) error {
	write, ok := formats[format]
	if !ok {
		return fmt.Errorf("unknown format %q%s (valid: %s)", format, text.DidYouMean(format, Formats()), strings.Join(Formats(), ", "))
	}
	return write(w, p)
}

func writeJSON(w io.Writer, p *Page) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	r := *p.Report
	r.Curves = []prove.Curve{}
	for _, c := range p.Curves {
		r.Curves = append(r.Curves, c.Thinned())
	}
	return e.Encode(struct {
		Version string        `json:"version"`
		Verdict prove.Verdict `json:"verdict"`
		prove.Report
		Findings []Finding `json:"findings"`
	}{p.Version, p.Overall(), r, append([]Finding{}, p.Findings...)})
}

// asRun is a command as a shell takes it.
func asRun(command []string) string {
	var out []string
	for _, word := range command {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool {
			return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("@%+=:,./-_", r))
		}) {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

// ran says what ran, in a line.
func (p *Page) ran() string {
	processes := "1 process"
	if p.Ranks > 1 {
		processes = fmt.Sprintf("%d ranks", p.Ranks)
	}
	out := processes
	if p.Torch != "" {
		out = "torch " + p.Torch + ", " + processes
	}
	if p.Runs > 0 {
		out += fmt.Sprintf(", %s in %s", report.Count(p.Runs, "run"), Took(time.Duration(p.Seconds*float64(time.Second))))
	}
	return out
}

// Took is how long something took, as people read it.
func Took(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// cost says what watching took, and what was not looked at, in sentences.
func (p *Page) cost() []string {
	var out []string
	if o := p.Overhead; o != nil {
		out = append(out, fmt.Sprintf("Watching took %s of each step, beside %s of the script's own.", milliseconds(o.Watching), milliseconds(o.Script)))
	}
	if p.Digest == prove.Sampled {
		out = append(out, "Large tensors were compared by a sample of their numbers and the sum of all their bits: differences that cancel in the sum, outside of the sample, are not seen.")
	}
	return out
}

// milliseconds is a short time as people read it.
func milliseconds(ms float64) string {
	switch {
	case ms >= 1000:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms >= 10:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.2f ms", ms)
}

// headings are the verdict on all in a line.
var headings = map[prove.Verdict]string{prove.Yes: "proven", prove.No: "not proven", prove.Unknown: "not all could be told"}

// explained names rules to read about, where no finding of check tells more.
func (p *Page) explained() string {
	rules := p.Rules()
	if len(p.Findings) > 0 || len(rules) == 0 {
		return ""
	}
	return "Rules to read about: " + strings.Join(rules[:min(3, len(rules))], ", ") + " (ckpt-lsp explain)"
}

func writeText(out io.Writer, p *Page) error {
	var w strings.Builder
	line := func(indent, s string) {
		w.WriteString(report.Wrap(text.Printable(s), p.Style.Width, indent, indent+"  ") + "\n")
	}
	fmt.Fprintln(&w, p.Style.Heading(p.ran()))
	for _, t := range p.Tell() {
		w.WriteString(report.Wrap(text.Printable(string(t.Verdict)+", "+t.Text), p.Style.Width, fmt.Sprintf("%-14s ", t.Asked), "    ") + "\n")
		for _, l := range t.Printed {
			fmt.Fprintln(&w, "    | "+text.Printable(l))
		}
		for _, d := range t.Details {
			line("    ", d)
		}
	}
	if len(p.Findings) > 0 {
		fmt.Fprintln(&w, p.Style.Heading("What ckpt-lsp check says of it:"))
		for _, f := range p.Findings {
			fmt.Fprintf(&w, "    %s:%d  %s (%s)\n", text.Printable(f.Path), f.Line, f.Rule, f.Code)
		}
	} else if e := p.explained(); e != "" {
		line("    ", e)
	}
	for _, c := range p.cost() {
		w.WriteString(report.Wrap(c, p.Style.Width, "", "    ") + "\n")
	}
	_, err := io.WriteString(out, w.String())
	return err
}
