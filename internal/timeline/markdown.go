package timeline

import (
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/contract"
)

// summary is what the picture shows, in sentences.
func (t *Timeline) summary() []string {
	out := []string{t.Resumes()}
	for _, r := range t.Rates {
		out = append(out, fmt.Sprintf("The learning rate of %s: %s.", r.Scheduler, t.Says(r)))
	}
	for _, s := range t.Saves {
		out = append(out, fmt.Sprintf("%s is written %s; %s.", s.Name, t.When(s), t.Stays(s)))
	}
	if t.Best != nil {
		out = append(out, upper(t.Metric())+".")
	}
	return out
}

// Brief is a timeline as a list in Markdown, for a hover. Rates are left out where they are told beside it.
func (t *Timeline) Brief(rates bool) string {
	var out strings.Builder
	fmt.Fprintf(&out, "**If it is interrupted** after %s %s:\n", t.Unit, t.number(t.Interrupted.After))
	item := func(s string) { fmt.Fprintf(&out, "\n- %s", s) }
	item(plain(t.Resumes()))
	for _, r := range t.Rates {
		if rates {
			item(fmt.Sprintf("learning rate of %s: %s", contract.Code(r.Scheduler), plain(t.Says(r))))
		}
	}
	for _, s := range t.Saves {
		item(fmt.Sprintf("%s is written %s; %s", contract.Code(s.Name), plain(t.When(s)), plain(t.Stays(s))))
	}
	if t.Best != nil {
		item(plain(t.Metric()))
	}
	return out.String()
}

// plain is a text without what Markdown would take for signs of its own.
func plain(s string) string {
	return strings.NewReplacer("\\", "\\\\", "*", "\\*", "_", "\\_", "`", "\\`", "<", "&lt;", "[", "\\[").Replace(s)
}

// Markdown is the timelines as a page, for editors that draw no picture.
func Markdown(of string, all []Timeline) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# Timeline of %s\n\n", contract.Code(of))
	// A fence that is longer than any in the text.
	body := Text(of, all)
	fence := "```"
	for strings.Contains(body, fence) {
		fence += "`"
	}
	fmt.Fprintf(&out, "%stext\n%s%s\n", fence, body, fence)
	return out.String()
}
