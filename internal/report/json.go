package report

import (
	"encoding/json"
	"io"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

type jsonReport struct {
	Diagnostics []jsonDiagnostic `json:"diagnostics"`
	Errors      []jsonProblem    `json:"errors"`
}

type jsonDiagnostic struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	// URL is the address of the rule's page.
	URL string `json:"url"`
	jsonPlace
	Fixes   []jsonFix     `json:"fixes"`
	Related []jsonRelated `json:"related"`
}

// jsonPlace is a part of a file, or of a cell of a notebook: Cell counts the notebook's cells of all kinds from 1 and is left out
// for other files; lines count from the cell's first.
type jsonPlace struct {
	Path  string    `json:"path"`
	Cell  int       `json:"cell,omitempty"`
	Range jsonRange `json:"range"`
}

// jsonRange ends behind its last character. Lines and columns count from 1, columns in characters (code points).
type jsonRange struct {
	Start position `json:"start"`
	End   position `json:"end"`
}

type jsonFix struct {
	Title         string     `json:"title"`
	Applicability string     `json:"applicability"`
	Why           string     `json:"why,omitempty"`
	Edits         []jsonEdit `json:"edits"`
}

type jsonEdit struct {
	jsonPlace
	NewText string `json:"newText"`
}

type jsonRelated struct {
	jsonPlace
	Message string `json:"message"`
}

type jsonProblem struct {
	Path    string `json:"path"`
	Cell    int    `json:"cell,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	// Fatal problems make the exit status 2.
	Fatal bool `json:"fatal"`
}

func writeJSON(w io.Writer, r *Report, _ Style) error {
	out := jsonReport{Diagnostics: []jsonDiagnostic{}, Errors: []jsonProblem{}}
	for i := range r.Files {
		out.Diagnostics = append(out.Diagnostics, jsonFile(r, &r.Files[i])...)
	}
	for _, p := range r.Problems {
		out.Errors = append(out.Errors, jsonProblem{p.Path, p.Cell, p.Line, p.Column, p.Message, p.Fatal})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

func (p place) json() jsonPlace { return jsonPlace{p.path, p.cell, jsonRange{p.start, p.end}} }

func jsonFile(r *Report, f *File) []jsonDiagnostic {
	places := newPlaces(r, f)
	out := make([]jsonDiagnostic, 0, len(f.Diagnostics))
	for i, d := range f.Diagnostics {
		at, _ := places.of("", d.Span)
		j := jsonDiagnostic{
			Code: d.Rule.Code, Name: d.Rule.Name, Severity: d.Severity.String(), Message: d.Message, URL: docs.URL(d.Rule),
			jsonPlace: at.json(), Fixes: []jsonFix{}, Related: []jsonRelated{},
		}
		for _, related := range d.Related {
			if at, ok := places.of(related.Path, related.Span); ok {
				j.Related = append(j.Related, jsonRelated{at.json(), related.Message})
			}
		}
		for _, fix := range f.fixesFor(i) {
			j.Fixes = append(j.Fixes, jsonFix{fix.Title, fix.Applicability.String(), fix.Why, jsonEdits(places, fix)})
		}
		out = append(out, j)
	}
	return out
}

func jsonEdits(places *places, fix codeactions.Fix) []jsonEdit {
	out := []jsonEdit{}
	for _, file := range fix.Edits {
		for _, e := range file.Edits {
			if at, ok := places.of(file.Path, text.Span{Start: e.Start, End: e.End}); ok {
				out = append(out, jsonEdit{at.json(), e.New})
			}
		}
	}
	return out
}
