package timeline

import (
	"fmt"
	"slices"
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
		out = append(out, fmt.Sprintf("%s is written %s; %s.", clip(s.Name, 60), t.When(s), t.Stays(s)))
	}
	if t.Best != nil {
		out = append(out, upper(t.Metric())+".")
	}
	return out
}

// Tells reports whether the picture is of what stands in a line: the checkpoint's save or load, or another save.
func (t *Timeline) Tells(path string, line int) bool {
	stands := func(s *Site) bool { return s != nil && s.Path == path && s.Line == line }
	return stands(t.Resume.Save) || stands(t.Resume.Load) || slices.ContainsFunc(t.Saves, func(s Save) bool { return stands(&s.Site) })
}

// Brief is a timeline as a list in Markdown, for a hover. A rate that differs is left out where that is told beside it.
func (t *Timeline) Brief(rates bool) string {
	var out strings.Builder
	fmt.Fprintf(&out, "**If it is interrupted** after %s %s:\n", t.Unit, t.number(t.Interrupted.After))
	item := func(s string) { fmt.Fprintf(&out, "\n- %s", s) }
	item(plain(t.Resumes()))
	for _, r := range t.Rates {
		if rates && r.Differs != nil {
			item(fmt.Sprintf("learning rate of %s: %s", contract.Code(r.Scheduler), plain(t.Says(r))))
		}
	}
	for _, s := range t.Saves {
		item(fmt.Sprintf("%s is written %s; %s", contract.Code(clip(s.Name, 60)), plain(t.When(s)), plain(t.Stays(s))))
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
