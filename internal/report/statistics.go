package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// statistic is what a rule found in a run.
type statistic struct {
	Code  string `json:"code"`
	Name  string `json:"name"`
	Count int    `json:"count"`
	// Safe and Unsafe count the findings whose best fix is one.
	Safe   int `json:"safe"`
	Unsafe int `json:"unsafe"`
}

// statistics are those of the rules that found something, the most frequent first.
func (r *Report) statistics() []statistic {
	byRule := map[*diagnostics.Rule]*statistic{}
	out := []statistic{}
	for i := range r.Files {
		f := &r.Files[i]
		for j, d := range f.Diagnostics {
			s := byRule[d.Rule]
			if s == nil {
				s = &statistic{Code: d.Rule.Code, Name: d.Rule.Name}
				byRule[d.Rule] = s
			}
			s.Count++
			switch best(f.fixesFor(j)) {
			case diagnostics.Safe:
				s.Safe++
			case diagnostics.Unsafe:
				s.Unsafe++
			}
		}
	}
	for _, s := range byRule {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b statistic) int { return cmp.Or(b.Count-a.Count, strings.Compare(a.Code, b.Code)) })
	return out
}

// statisticsFormats are the ways to write statistics.
var statisticsFormats = map[string]func(io.Writer, *Report, Style) error{
	"concise": writeStatistics,
	"grouped": writeStatistics,
	"json":    writeJSONStatistics,
	"text":    writeStatistics,
}

// WriteStatistics writes how often each rule found something, in place of the findings.
func WriteStatistics(w io.Writer, format string, r *Report, style Style) error {
	write, ok := statisticsFormats[format]
	if !ok {
		return fmt.Errorf("--statistics goes with --format text or json, not %q", format)
	}
	return write(w, r, style)
}

// writeStatistics writes a line for each rule; [*] says that all its findings have a safe fix, [-] that some have.
func writeStatistics(w io.Writer, r *Report, style Style) error {
	p := painter{style}
	all := r.statistics()
	width := 1
	for _, s := range all {
		width = max(width, len(fmt.Sprint(s.Count)))
	}
	var out strings.Builder
	for _, s := range all {
		mark := "[ ]"
		switch s.Safe {
		case 0:
		case s.Count:
			mark = "[" + p.paint(cyan, "*") + "]"
		default:
			mark = "[" + p.paint(cyan, "-") + "]"
		}
		fmt.Fprintf(&out, "%s  %s  %s %s\n", p.bold(fmt.Sprintf("%*d", width, s.Count)), p.paint(red, s.Code), mark, s.Name)
	}
	_, err := io.WriteString(w, out.String()+p.summary(r))
	return err
}

func writeJSONStatistics(w io.Writer, r *Report, _ Style) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r.statistics())
}
