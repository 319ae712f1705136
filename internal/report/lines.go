package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// writeConcise writes one line for each finding, in the form compilers use: path, line, column, rule, message. "[*]" marks a
// finding that --fix clears.
func writeConcise(w io.Writer, r *Report, style Style) error {
	return writeLines(w, r, style, func(p painter, f *File, i int, at place) string {
		return fmt.Sprintf("%s %s", p.bold(at.name()), p.oneLine(f, i))
	})
}

// writeGrouped writes the findings below the name of their file, a line each.
func writeGrouped(w io.Writer, r *Report, style Style) error {
	last := ""
	return writeLines(w, r, style, func(p painter, f *File, i int, at place) string {
		var head string
		if f.Path != last {
			if last != "" {
				head = "\n"
			}
			head += p.bold(f.Path+":") + "\n"
			last = f.Path
		}
		where := fmt.Sprintf("%d:%d", at.start.Line, at.start.Column)
		if at.cell > 0 {
			where = fmt.Sprintf("cell %d:%s", at.cell, where)
		}
		return fmt.Sprintf("%s  %s %s", head, p.dim(where), p.oneLine(f, i))
	})
}

// writeLines writes what line gives for each finding, and the summary.
func writeLines(w io.Writer, r *Report, style Style, line func(p painter, f *File, i int, at place) string) error {
	out := bufio.NewWriter(w)
	p := painter{style}
	for i := range r.Files {
		f := &r.Files[i]
		places := newPlaces(r, f)
		for j, d := range f.Diagnostics {
			at, _ := places.of("", d.Span)
			fmt.Fprintln(out, line(p, f, j, at))
		}
	}
	fmt.Fprintln(out, p.summary(r))
	return out.Flush()
}

// oneLine is a finding without its place.
func (p painter) oneLine(f *File, i int) string {
	d := f.Diagnostics[i]
	mark := ""
	if best(f.fixesFor(i)) == diagnostics.Safe {
		mark = " [" + p.paint(cyan, "*") + "]"
	}
	return fmt.Sprintf("%s%s %s", p.paint(severityColors[d.Severity], d.Severity.String()+"["+d.Rule.Code+"]"), mark, flat(d.Message))
}

// flat is a text on one line.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// writeJSONLines writes the findings of writeJSON, one JSON object a line.
func writeJSONLines(w io.Writer, r *Report, _ Style) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for i := range r.Files {
		for _, d := range jsonFile(r, &r.Files[i]) {
			if err := e.Encode(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// githubLevels are the workflow commands that annotate a line.
var githubLevels = map[diagnostics.Severity]string{
	diagnostics.Error: "error", diagnostics.Warning: "warning", diagnostics.Information: "notice", diagnostics.Hint: "notice",
}

// Escapes of workflow commands: the text of one, and a property of one.
var (
	githubText     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// writeGitHub writes GitHub's workflow commands, which annotate the lines of a pull request. A cell of a notebook has no line of
// the file: its place stands in the text.
func writeGitHub(w io.Writer, r *Report, _ Style) error {
	return writeEach(w, r, func(out io.Writer, _ *File, d diagnostics.Diagnostic, at place, _ string) {
		where, message := fmt.Sprintf(",line=%d,col=%d,endLine=%d,endColumn=%d", at.start.Line, at.start.Column, at.end.Line, at.end.Column), d.Message
		if at.cell > 0 {
			where, message = ",line=1", at.name()+" "+message
		}
		fmt.Fprintf(out, "::%s title=%s,file=%s%s::%s\n", githubLevels[d.Severity],
			githubProperty.Replace(d.Rule.Code+" "+d.Rule.Name), githubProperty.Replace(at.path), where, githubText.Replace(message))
	})
}

// writeEach calls write for each finding with its place and its fingerprint.
func writeEach(w io.Writer, r *Report, write func(out io.Writer, f *File, d diagnostics.Diagnostic, at place, fingerprint string)) error {
	out := bufio.NewWriter(w)
	for i := range r.Files {
		f := &r.Files[i]
		places := newPlaces(r, f)
		prints := fingerprints(f, places)
		for j, d := range f.Diagnostics {
			at, _ := places.of("", d.Span)
			write(out, f, d, at, prints[j])
		}
	}
	return out.Flush()
}

// gitlabIssue is one entry of GitLab's code quality report, a subset of Code Climate's.
type gitlabIssue struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path      string `json:"path"`
	Positions struct {
		Begin position `json:"begin"`
		End   position `json:"end"`
	} `json:"positions"`
}

var gitlabSeverities = map[diagnostics.Severity]string{
	diagnostics.Error: "critical", diagnostics.Warning: "major", diagnostics.Information: "minor", diagnostics.Hint: "info",
}

func writeGitLab(w io.Writer, r *Report, _ Style) error {
	issues := []gitlabIssue{}
	err := writeEach(io.Discard, r, func(_ io.Writer, _ *File, d diagnostics.Diagnostic, at place, fingerprint string) {
		issue := gitlabIssue{d.Rule.Code + ": " + d.Message, d.Rule.Code, fingerprint, gitlabSeverities[d.Severity], gitlabLocation{Path: at.path}}
		issue.Location.Positions.Begin, issue.Location.Positions.End = at.start, at.end
		if at.cell > 0 { // GitLab knows lines of files only
			issue.Location.Positions.Begin, issue.Location.Positions.End = position{1, 1}, position{1, 1}
			issue.Description = at.name() + " " + issue.Description
		}
		issues = append(issues, issue)
	})
	if err != nil {
		return err
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(issues)
}
