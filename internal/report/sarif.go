package report

import (
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// fingerprintName names our fingerprints, with the version of how they are made.
const fingerprintName = "ckptLsp/v1"

var sarifLevels = map[diagnostics.Severity]string{
	diagnostics.Error: "error", diagnostics.Warning: "warning", diagnostics.Information: "note", diagnostics.Hint: "note",
}

// writeSARIF writes SARIF 2.1.0: the rules that found something with their documentation, the findings with the places they refer
// to, their fixes and fingerprints. Columns count code points.
func writeSARIF(w io.Writer, r *Report, _ Style) error {
	driver := sarif.NewToolComponent().WithName("ckpt-lsp")
	if r.Version != "" {
		driver.WithVersion(r.Version)
	}
	run := sarif.NewRun().WithTool(sarif.NewTool().WithDriver(driver)).WithColumnKind("unicodeCodePoints").WithResults([]*sarif.Result{})
	rules := map[*diagnostics.Rule]int{}
	for f := range r.found() {
		if _, known := rules[f.Rule]; !known {
			rules[f.Rule] = len(rules)
			driver.AddRule(r.sarifRule(f.Rule))
		}
		result := sarif.NewResult().WithRuleID(f.Rule.Code).WithRuleIndex(rules[f.Rule]).WithLevel(sarifLevels[f.Severity]).
			WithMessage(sarif.NewTextMessage(f.Message)).AddLocation(sarifLocation(f.at)).
			WithPartialFingerprints(map[string]string{fingerprintName: f.fingerprint()})
		for _, related := range f.Related {
			if at, ok := f.places.of(related.Path, related.Span); ok {
				result.AddRelatedLocation(sarifLocation(at).WithMessage(sarif.NewTextMessage(related.Message)))
			}
		}
		for _, fix := range f.file.fixesFor(f.index) {
			if fixed := sarifFix(f.places, fix); fixed != nil {
				result.AddFixe(fixed)
			}
		}
		run.AddResult(result)
	}
	if len(r.Problems) > 0 {
		run.AddInvocation(sarifInvocation(r.Problems))
	}
	out := sarif.NewReport().AddRun(run)
	return out.PrettyWrite(w)
}

// sarifInvocation tells what could not be read.
func sarifInvocation(problems []project.Problem) *sarif.Invocation {
	out := sarif.NewInvocation().WithExecutionSuccessful(true)
	for _, p := range problems {
		level := "warning"
		if p.Fatal {
			level = "error"
			out.WithExecutionSuccessful(false)
		}
		out.AddToolExecutionNotification(sarif.NewNotification().WithLevel(level).WithMessage(sarif.NewTextMessage(p.Error())))
	}
	return out
}

func (r *Report) sarifRule(rule *diagnostics.Rule) *sarif.ReportingDescriptor {
	d := sarif.NewReportingDescriptor().WithID(rule.Code).WithName(rule.Name).
		WithShortDescription(sarif.NewMultiformatMessageString().WithText(rule.Summary)).
		WithHelpURI(docs.URL(rule)).
		WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(sarifLevels[max(rule.Severity, diagnostics.Hint)]))
	if r.Help != nil {
		page := r.Help(rule)
		d.WithHelp(sarif.NewMultiformatMessageString().WithText(page).WithMarkdown(page))
	}
	return d
}

// sarifURI is a path as a reference relative to where the program ran, or as a file URI.
func sarifURI(name string) string {
	u := url.URL{Path: name}
	if path.IsAbs(name) {
		u.Scheme = "file"
	} else if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ":") {
		u.Path = "./" + name
	}
	return u.String()
}

// sarifLocation is a place; of a cell of a notebook only the file, because SARIF knows no cells.
func sarifLocation(at place) *sarif.Location {
	physical := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation(sarifURI(at.path)))
	if at.cell == 0 {
		physical.WithRegion(sarifRegion(at))
	}
	return sarif.NewLocation().WithPhysicalLocation(physical)
}

func sarifRegion(at place) *sarif.Region {
	return sarif.NewRegion().WithStartLine(at.start.Line).WithStartColumn(at.start.Column).WithEndLine(at.end.Line).WithEndColumn(at.end.Column)
}

// sarifFix is a fix whose every edit can be told; nil where one stands in a notebook.
func sarifFix(places *places, fix codeactions.Fix) *sarif.Fix {
	out := sarif.NewFix().WithDescription(sarif.NewTextMessage(fix.Title))
	for _, file := range fix.Edits {
		var change *sarif.ArtifactChange
		for _, e := range file.Edits {
			at, ok := places.of(file.Path, text.Span{Start: e.Start, End: e.End})
			if !ok || at.cell > 0 {
				return nil
			}
			if change == nil {
				change = sarif.NewArtifactChange().WithArtifactLocation(sarif.NewSimpleArtifactLocation(sarifURI(at.path)))
			}
			change.AddReplacement(sarif.NewReplacement().WithDeletedRegion(sarifRegion(at)).
				WithInsertedContent(sarif.NewArtifactContent().WithText(e.New)))
		}
		if change != nil {
			out.AddArtifactChange(change)
		}
	}
	if len(out.ArtifactChanges) == 0 {
		return nil
	}
	return out
}
