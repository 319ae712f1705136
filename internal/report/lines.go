package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
)

// writeConcise writes one line for each finding, in the form compilers use: path, line, column, rule, message. "[*]" marks a
// finding that --fix clears.
func writeConcise(w io.Writer, r *Report, style Style) error {
	return writeLines(w, r, style, func(p painter, f found) string {
		return fmt.Sprintf("%s %s", p.bold(f.at.name()), p.oneLine(f))
	})
}

// writeGrouped writes the findings below the name of their file, a line each.
func writeGrouped(w io.Writer, r *Report, style Style) error {
	last := ""
	return writeLines(w, r, style, func(p painter, f found) string {
		var head string
		if f.file.Path != last {
			if last != "" {
				head = "\n"
			}
			head += p.bold(f.file.Path+":") + "\n"
			last = f.file.Path
		}
		return fmt.Sprintf("%s  %s %s", head, p.dim(f.at.within()), p.oneLine(f))
	})
}

// writeLines writes what line gives for each finding, and the summary.
func writeLines(w io.Writer, r *Report, style Style, line func(painter, found) string) error {
	out := bufio.NewWriter(w)
	p, r := painter{style}, r.forPeople()
	for f := range r.found() {
		fmt.Fprintln(out, line(p, f))
	}
	fmt.Fprint(out, p.summary(r))
	return out.Flush()
}

// oneLine is a finding without its place.
func (p painter) oneLine(f found) string {
	mark := ""
	if best(f.file.fixesFor(f.index)) == diagnostics.Safe {
		mark = " [" + p.paint(cyan, "*") + "]"
	}
	return fmt.Sprintf("%s%s %s", p.label(f.Diagnostic), mark, flat(f.Message))
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

// writeGitHub writes GitHub's workflow commands, which annotate the lines of a pull request. The address of the rule's page ends the
// text, because an annotation's title is no link. A cell of a notebook has no line of the file: its place stands in the text.
func writeGitHub(w io.Writer, r *Report, _ Style) error {
	out := bufio.NewWriter(w)
	for f := range r.found() {
		where, message := fmt.Sprintf(",line=%d,col=%d,endLine=%d,endColumn=%d", f.at.start.Line, f.at.start.Column, f.at.end.Line, f.at.end.Column), f.Message
		if f.at.cell > 0 {
			where, message = ",line=1", f.at.name()+" "+message
		}
		fmt.Fprintf(out, "::%s title=%s,file=%s%s::%s\n", githubLevels[f.Severity],
			githubProperty.Replace(f.Rule.Code+" "+f.Rule.Name), githubProperty.Replace(f.at.path), where, githubText.Replace(message+"\n"+docs.URL(f.Rule)))
	}
	return out.Flush()
}

// gitlabIssue is one entry of GitLab's code quality report, a subset of Code Climate's.
type gitlabIssue struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Content     gitlabContent  `json:"content"`
	Location    gitlabLocation `json:"location"`
}

// gitlabContent is where Code Climate's format has what else is to be read of an issue, in Markdown.
type gitlabContent struct {
	Body string `json:"body"`
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
	for f := range r.found() {
		issue := gitlabIssue{
			Description: f.Rule.Code + ": " + f.Message, CheckName: f.Rule.Code, Fingerprint: f.fingerprint(), Severity: gitlabSeverities[f.Severity],
			Content:  gitlabContent{fmt.Sprintf("[%s %s](%s)", f.Rule.Code, f.Rule.Name, docs.URL(f.Rule))},
			Location: gitlabLocation{Path: f.at.path},
		}
		issue.Location.Positions.Begin, issue.Location.Positions.End = f.at.start, f.at.end
		if f.at.cell > 0 { // GitLab knows lines of files only
			issue.Location.Positions.Begin, issue.Location.Positions.End = position{1, 1}, position{1, 1}
			issue.Description = f.at.name() + " " + issue.Description
		}
		issues = append(issues, issue)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(issues)
}
