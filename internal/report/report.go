// Package report writes findings for people and for programs.
package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Report is the outcome of one run over some files.
type Report struct {
	// Files are those with findings, in the order they are shown.
	Files    []File
	Problems []project.Problem
	// Checked is the number of files looked at, Unchecked that of those that could not be; Fixed the number of findings that fixes
	// have cleared.
	Checked, Unchecked, Fixed int
	// Hidden counts the findings that Files leave out.
	Hidden map[diagnostics.Severity]int
	// Quiet leaves out all but the findings in the formats for people.
	Quiet bool
	// Fixing says that safe fixes were applied, UnsafeFixing that unsafe ones were too, so that no line advises it.
	Fixing, UnsafeFixing bool
	// Version of ckpt-lsp, for formats that name the tool. It may be empty.
	Version string
	// Help is the documentation of a rule as Markdown, for formats that carry it. It may be nil.
	Help func(*diagnostics.Rule) string
	// Open gives the text of another file that a finding points to. It may be nil.
	Open func(path string) (*text.Source, error)
}

// File is one file with its findings and the fixes for them.
type File struct {
	// Path is relative to the working directory where it lies below it, with forward slashes.
	Path        string
	Source      *text.Source
	Diagnostics []diagnostics.Diagnostic
	// Fixes were made for Diagnostics: Resolves are indices into them.
	Fixes []codeactions.Fix
}

// fixesFor are the fixes that clear the i-th finding, best first.
func (f *File) fixesFor(i int) []codeactions.Fix {
	var out []codeactions.Fix
	for _, fix := range f.Fixes {
		if slices.Contains(fix.Resolves, i) {
			out = append(out, fix)
		}
	}
	return out
}

// Style is how text is laid out; formats for programs pay no heed to it.
type Style struct {
	// Color asks for ANSI escape sequences, Links for hyperlinks from rules to their documentation (OSC 8).
	Color, Links bool
	// Width is the number of columns to stay within.
	Width int
}

// formats are the ways to write a report.
var formats = map[string]func(io.Writer, *Report, Style) error{
	"concise":    writeConcise,
	"github":     writeGitHub,
	"gitlab":     writeGitLab,
	"grouped":    writeGrouped,
	"json":       writeJSON,
	"json-lines": writeJSONLines,
	"junit":      writeJUnit,
	"sarif":      writeSARIF,
	"text":       writeText,
}

// ForPeople reports whether a format is to be read by people.
func ForPeople(format string) bool {
	return format == "text" || format == "concise" || format == "grouped"
}

// Formats are the names that Write knows.
func Formats() []string { return slices.Sorted(maps.Keys(formats)) }

// Write writes the report in the named format.
func Write(w io.Writer, format string, r *Report, style Style) error {
	write, ok := formats[format]
	if !ok {
		return fmt.Errorf("unknown format %q%s (valid: %s)", format, text.DidYouMean(format, Formats()), strings.Join(Formats(), ", "))
	}
	return write(w, r, style)
}

// place is a span of some file in the terms of people: lines and columns from 1, columns in characters.
type place struct {
	path       string
	text       []byte
	index      *text.LineIndex
	start, end position
	span       text.Span
	cell       int // of a notebook, in which all the rest counts; 0 in other files
}

// name is where the place starts.
func (p place) name() string { return text.Printable(p.path) + ":" + p.within() + ":" }

// within is where in its file the place starts.
func (p place) within() string {
	if p.cell > 0 {
		return fmt.Sprintf("cell %d:%d:%d", p.cell, p.start.Line, p.start.Column)
	}
	return fmt.Sprintf("%d:%d", p.start.Line, p.start.Column)
}

type position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// places makes places of one file and of those its findings point to.
type places struct {
	report  *Report
	path    string
	source  *text.Source
	indices map[string]*text.LineIndex
	sources map[string]*text.Source
	prints  []string // the fingerprints of the file's findings, nil until one is asked for
}

func newPlaces(r *Report, f *File) *places {
	return &places{
		report: r, path: f.Path, source: f.Source,
		indices: map[string]*text.LineIndex{"": text.NewLineIndex(f.Source.Text)},
		sources: map[string]*text.Source{"": f.Source},
	}
}

// of is the place of a span; path is empty for the file at hand. ok is false if the other file cannot be read.
func (p *places) of(path string, span text.Span) (_ place, ok bool) {
	shown := path
	if path == "" || path == p.path {
		path, shown = "", p.path
	}
	if p.indices[path] == nil {
		if p.report.Open == nil {
			return place{}, false
		}
		src, err := p.report.Open(path)
		if err != nil {
			return place{}, false
		}
		p.sources[path], p.indices[path] = src, text.NewLineIndex(src.Text)
	}
	at := place{path: shown, text: p.sources[path].Text, index: p.indices[path], span: span}
	if cell, ok := p.sources[path].CellAt(span.Start); ok {
		at.cell, at.text, at.index = cell.Number, cell.Text, text.NewLineIndex(cell.Text)
		at.span = text.Span{Start: span.Start - cell.Span.Start, End: min(span.End, cell.Span.End) - cell.Span.Start}
	}
	at.start, at.end = at.position(at.span.Start), at.position(at.span.End)
	return at, true
}

func (p place) position(offset int) position {
	line, column := p.index.Position(offset, text.UTF32)
	return position{line + 1, column + 1}
}
