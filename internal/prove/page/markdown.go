package page

import (
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// signs show a verdict at a glance.
var signs = map[prove.Verdict]string{prove.Yes: "✅", prove.No: "❌", prove.Unknown: "❔"}

// Bounds of a comment on a pull request, whose hosts take no more than some 65,000 characters.
const (
	mostDetails  = 20
	mostFindings = 30
	longest      = 600 // characters of a text
)

// writeMarkdown writes a summary: the verdicts at a glance, then what they rest on, folded up where all is well.
func writeMarkdown(out io.Writer, p *Page) error {
	var w strings.Builder
	verdict := p.Overall()
	fmt.Fprintf(&w, "### %s ckpt-lsp prove: %s\n\n", signs[verdict], headings[verdict])
	w.WriteString("| | | |\n|---|---|---|\n")
	answers := p.Tell()
	for _, t := range answers {
		fmt.Fprintf(&w, "| %s | %s %s | %s |\n", t.Asked, signs[t.Verdict], t.Verdict, inline(t.Text))
	}
	for _, t := range answers {
		if len(t.Details)+len(t.Printed) == 0 {
			continue
		}
		open := " open"
		if t.Verdict == prove.Yes {
			open = ""
		}
		fmt.Fprintf(&w, "\n<details%s><summary>%s What it rests on</summary>\n\n", open, t.Asked)
		for i, d := range t.Details {
			if i == mostDetails {
				fmt.Fprintf(&w, "- and %d more\n", len(t.Details)-i)
				break
			}
			fmt.Fprintf(&w, "- %s\n", inline(d))
		}
		if len(t.Printed) > 0 {
			fmt.Fprintf(&w, "\n<pre>%s</pre>\n", printed(t.Printed))
		}
		w.WriteString("\n</details>\n")
	}
	if len(p.Findings) > 0 {
		w.WriteString("\n**What `ckpt-lsp check` says of it**\n\n")
		for i, f := range p.Findings {
			if i == mostFindings {
				fmt.Fprintf(&w, "- and %d more\n", len(p.Findings)-i)
				break
			}
			fmt.Fprintf(&w, "- %s:%d %s (%s)\n", inline(f.Path), f.Line, f.Rule, f.Code)
		}
	} else if e := p.explained(); e != "" {
		fmt.Fprintf(&w, "\n%s\n", inline(e))
	}
	fmt.Fprintf(&w, "\n<sub>%s<br>%s</sub>\n", html.EscapeString(clip(text.Printable(asRun(p.Command)))), inline(strings.Join(append([]string{p.ran() + "."}, p.cost()...), " ")))
	_, err := io.WriteString(out, w.String())
	return err
}

// special are the characters that Markdown reads, in a line or in a cell of a table.
var special = strings.NewReplacer("\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "|", "\\|", "#", "\\#", "~", "\\~", "@", "@\u200b", "<", "&lt;", ">", "&gt;", "&", "&amp;")

// inline is a text in a line of Markdown. It names files and values of the user's, which are no markup and call nobody.
func inline(s string) string { return special.Replace(clip(text.Printable(s))) }

// clip cuts a text that is too long to be read.
func clip(s string) string {
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return s
}

// printed is what a script has printed, as HTML.
func printed(lines []string) string {
	var out []string
	for _, l := range lines {
		out = append(out, html.EscapeString(clip(text.Printable(l))))
	}
	return strings.Join(out, "\n")
}
