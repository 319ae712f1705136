package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// mostRounds bounds how often a file is fixed and analysed again; fixes that need more undo each other.
const mostRounds = 20

// applyFixes applies the fixes asked for until nothing changes. It gives the analysis of the text it arrived at and the number
// of findings that fixes cleared. With an error, that is the last sound text, which is the first where the fixes do not settle.
func (c *checker) applyFixes(a *project.Analysis) (_ *project.Analysis, fixed int, err error) {
	atLeast := diagnostics.Safe
	if c.unsafe {
		atLeast = diagnostics.Unsafe
	}
	first := a
	for range mostRounds {
		if len(a.Diagnostics) == 0 {
			return a, fixed, nil
		}
		var edits []text.Edit
		cleared := map[int]bool{}
		title := ""
		for _, fix := range codeactions.Compatible(codeactions.Fixes(a.Facts, a.Diagnostics), atLeast) {
			// A fix that reaches into other files is left to the editor, which applies it as a whole.
			if len(fix.Edits) != 1 || fix.Edits[0].Path != "" && fix.Edits[0].Path != a.Path {
				continue
			}
			edits = append(edits, fix.Edits[0].Edits...)
			title = fix.Title
			for _, i := range fix.Resolves {
				cleared[i] = true
			}
		}
		if len(edits) == 0 {
			return a, fixed, nil
		}
		changed, err := text.Apply(a.Source.Text, edits)
		if err != nil {
			return a, fixed, fmt.Errorf("the fixes do not fit together (last: %q): %w; please report it with this file", title, err)
		}
		if bytes.Equal(changed, a.Source.Text) {
			return a, fixed, nil
		}
		next := c.workspace.Analyze(a.Path, a.Source.With(changed), nil)
		if next.Facts == nil || next.Facts.Tree.HasErrors() && !a.Facts.Tree.HasErrors() {
			return a, fixed, fmt.Errorf("a fix (one of those with %q) would have broken the syntax and was not applied; please report it with this file", title)
		}
		a, fixed = next, fixed+len(cleared)
	}
	return first, 0, fmt.Errorf("the fixes did not settle after %d rounds and were not applied; please report it with this file", mostRounds)
}

// writeFile replaces a file as a whole: readers see the old bytes or the new ones, also after a crash. The file keeps its
// mode and its encoding; a symbolic link stays one.
func writeFile(path string, src *text.Source) (err error) {
	data, err := src.Encode()
	if err != nil {
		return err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o200 == 0 {
		return fmt.Errorf("the file is read-only")
	}
	beside, err := os.CreateTemp(filepath.Dir(path), ".ckpt-lsp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			beside.Close()
			os.Remove(beside.Name())
		}
	}()
	if _, err = beside.Write(data); err != nil {
		return err
	}
	if err = beside.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	if err = beside.Sync(); err != nil {
		return err
	}
	if err = beside.Close(); err != nil {
		return err
	}
	return os.Rename(beside.Name(), path)
}
