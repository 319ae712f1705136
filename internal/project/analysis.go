package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Analysis is what was found in one file.
type Analysis struct {
	// Path is as the caller named it.
	Path   string
	Source *text.Source
	// Tree is nil for a file that holds nothing to check.
	Tree        *pyast.Tree
	Diagnostics []diagnostics.Diagnostic
	// Old are the findings that the baseline holds, which are not among Diagnostics; Gone are those that it holds for the file and that
	// are not found any more. Baseline is nil where none holds.
	Old      []diagnostics.Diagnostic
	Gone     []Old
	Baseline *Baseline
	// Problems are what kept the analysis from being whole.
	Problems []Problem
	// Checked says that the rules were run, or that none applies to the file.
	Checked bool
	// ConfigError says that the configuration is broken; the defaults were used.
	ConfigError error
}

// all are the findings with those that the baseline holds.
func (a *Analysis) all() []diagnostics.Diagnostic {
	return append(a.Diagnostics[:len(a.Diagnostics):len(a.Diagnostics)], a.Old...)
}

// Problem is something that kept a file, or a part of it, from being analysed.
type Problem struct {
	Path string
	// Line and Column are 1-based, Column in characters; 0 when the whole file is meant.
	Line, Column int
	// Cell is the cell of a notebook in which they count, 0 in other files.
	Cell    int
	Message string
	// Fatal means that the file should have been analysed and was not: it could not be read, or ckpt-lsp failed. Otherwise
	// the file is not (all of it) Python, or more than ckpt-lsp reads.
	Fatal bool
	// Unfinished means that the analysis of the file was given up, or some of its rules, because it took too many steps.
	Unfinished bool
}

func (p Problem) Error() string {
	path := text.Printable(p.Path)
	switch {
	case p.Line == 0:
		return fmt.Sprintf("%s: %s", path, p.Message)
	case p.Cell > 0:
		return fmt.Sprintf("%s:cell %d:%d:%d: %s", path, p.Cell, p.Line, p.Column, p.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", path, p.Line, p.Column, p.Message)
}

// frameworks are the words of which a file must hold one for any rule to apply: whatever saves, resumes, seeds or trains in
// the sense of the rules names its framework in an import.
var frameworks = [][]byte{[]byte("torch"), []byte("lightning"), []byte("accelerate"), []byte("deepspeed"), []byte("transformers"), []byte("from trl"), []byte("import trl")}

// Relevant reports whether a file's bytes can hold anything a rule applies to. It is much faster than parsing.
func Relevant(data []byte) bool {
	for _, word := range frameworks {
		if bytes.Contains(data, word) {
			return true
		}
	}
	return false
}

// ordering are the words of which a file that is not relevant must hold one to put data in an order that its caller trains on: the rules
// on orders need no more than the listing, the set or the hash that decides it.
var ordering = [][]byte{[]byte("listdir("), []byte("scandir("), []byte("glob("), []byte("iterdir("), []byte(" set("), []byte("(set("), []byte(" hash("), []byte("(hash("), []byte("{hash(")}

// orders reports whether a file's bytes can hold anything that the rules on orders apply to.
func orders(data []byte) bool {
	return slices.ContainsFunc(ordering, func(word []byte) bool { return bytes.Contains(data, word) })
}

func mentions(data []byte) bool { return bytes.Contains(data, []byte("ckpt-lsp")) }

// AnalyzeFile reads and analyses the file at path, with what it imports.
func (w *Workspace) AnalyzeFile(path string) *Analysis {
	return w.alone(context.Background(), NewProgram(w), path)
}

// AnalyzeBytes analyses what a file at path would hold, in the encoding it names.
func (w *Workspace) AnalyzeBytes(path string, data []byte) *Analysis {
	src, err := Decode(path, data)
	if err != nil {
		if !Relevant(data) {
			return &Analysis{Path: path, Source: text.NewSource(data), Checked: true}
		}
		return &Analysis{Path: path, Problems: []Problem{{Path: path, Message: err.Error()}}}
	}
	return w.Analyze(path, src, nil)
}

// Analyze analyses a file whose text is at hand, and whose tree may be (else nil: the text is parsed if that can be of use).
// It never panics: a failure of ckpt-lsp itself is a fatal problem of the file.
func (w *Workspace) Analyze(path string, src *text.Source, tree *pyast.Tree) *Analysis {
	return w.alone(context.Background(), NewProgram(w).With(path, src, tree), path)
}

// alone analyses one file of a program, and none of those that enter it.
func (w *Workspace) alone(ctx context.Context, p *Program, path string) *Analysis {
	a, _ := NewIndex(w).Analyze(ctx, p, path) // fails only with the context
	return a
}

// Fixes are the fixes of what was found that can be made in the files.
func (a *Analysis) Fixes() []codeactions.Fix {
	return slices.DeleteFunc(codeactions.Fixes(a.Tree, a.Diagnostics), func(fix codeactions.Fix) bool {
		return slices.ContainsFunc(fix.Edits, func(file codeactions.FileEdits) bool {
			return (file.Path == "" || file.Path == a.Path) && !a.Source.Accepts(file.Edits)
		})
	})
}

// unreadable is the problem of a file that gives no text.
func unreadable(path string, err error) Problem {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return Problem{Path: path, Message: "cannot be read: " + reason(err), Fatal: true}
	}
	return Problem{Path: path, Message: err.Error()}
}

func (a *Analysis) fail(message string, stack []byte) {
	message += "; please report it with this file"
	if os.Getenv("CKPT_LSP_DEBUG") != "" {
		message += "\n" + string(stack)
	}
	a.Problems = append(a.Problems, Problem{Path: a.Path, Message: message, Fatal: true})
}

// syntaxError is the first place of a tree that is not Python.
func syntaxError(path string, src *text.Source, tree *pyast.Tree) Problem {
	p := Problem{Path: path, Line: 1, Column: 1, Message: "syntax error: what this place belongs to is not checked"}
	for n := range tree.Root().Descendants() {
		if n.Is(pyast.KindError) || n.Missing() {
			of, offset := tree.Source(), n.Start()
			if cell, ok := src.CellAt(offset); ok {
				p.Cell, of, offset = cell.Number, cell.Text, offset-cell.Span.Start
			}
			line, column := text.NewLineIndex(of).Position(offset, text.UTF32)
			p.Line, p.Column = line+1, column+1
			break
		}
	}
	return p
}

// reason is an error of the file system without the path, which stands before it already.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
