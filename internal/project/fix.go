package project

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// mostRounds bounds how often files are fixed and analysed again; fixes that need more undo each other.
const mostRounds = 20

// Fixed is what became of one file.
type Fixed struct {
	// Before and After are the analyses of the first text and of the one it came to, which are one where nothing changed.
	Before, After *Analysis
	// Cleared counts the findings that fixes cleared.
	Cleared int
	// Err says why fixes could not be applied; After is then Before.
	Err error
}

// Fix applies the fixes of at least the given applicability to files of a program that are analysed together, round after round
// until nothing changes; no file is written. It fails with the context.
func (x *Index) Fix(ctx context.Context, p *Program, paths []string, atLeast diagnostics.Applicability) ([]Fixed, error) {
	found, err := x.AnalyzeAll(ctx, p, paths)
	if err != nil {
		return nil, err
	}
	out := make([]Fixed, len(paths))
	open := make([]int, 0, len(paths)) // the files that may need another round
	for i, a := range found {
		out[i] = Fixed{Before: a, After: a}
		if len(a.Diagnostics) > 0 {
			open = append(open, i)
		}
	}
	for round := 0; len(open) > 0; round++ {
		changed := map[int]bool{}
		for _, i := range open {
			f := &out[i]
			next, cleared, err := applied(f.After, atLeast)
			if next == nil && err == nil {
				continue
			}
			if round >= mostRounds && err == nil {
				err = fmt.Errorf("the fixes did not settle after %d rounds and were not applied; please report it with this file", mostRounds)
			}
			if err != nil {
				f.Err, f.Cleared = err, 0
				p = p.With(paths[i], f.Before.Source, f.Before.Tree)
				continue
			}
			f.Cleared += cleared
			p = p.With(paths[i], next, nil)
			changed[i] = true
		}
		if len(changed) == 0 {
			break
		}
		if err := x.again(ctx, p, paths, out); err != nil {
			return nil, err
		}
		open = open[:0]
		for i := range out {
			if out[i].Err == nil && len(out[i].After.Diagnostics) > 0 {
				open = append(open, i)
			}
		}
	}
	for i := range out {
		if out[i].Err != nil {
			out[i].After = out[i].Before
		}
	}
	return out, nil
}

// again analyses anew what an edit may have changed.
func (x *Index) again(ctx context.Context, p *Program, paths []string, out []Fixed) error {
	stale := x.Stale(p)
	if err := x.Refresh(ctx, p, stale); err != nil {
		return err
	}
	for i, path := range paths {
		src, _ := p.Unit(path).Source()
		if src == out[i].After.Source && !slices.Contains(stale, absolute(path)) && len(out[i].After.Diagnostics) == 0 {
			continue
		}
		a, err := x.Known(ctx, p, path)
		if err != nil {
			return err
		}
		if a.Tree == nil || a.Tree.HasErrors() && out[i].Before.Tree != nil && !out[i].Before.Tree.HasErrors() {
			if out[i].After.Source != src {
				out[i].Err = fmt.Errorf("a fix would have broken the syntax and was not applied; please report it with this file")
				continue
			}
		}
		out[i].After = a
	}
	return nil
}

// applied is the text after one round of fixes, nil where there is nothing to fix.
func applied(a *Analysis, atLeast diagnostics.Applicability) (_ *text.Source, cleared int, err error) {
	var edits []text.Edit
	resolved := map[int]bool{}
	title := ""
	for _, fix := range codeactions.Compatible(a.Fixes(), atLeast) {
		// A fix that reaches into other files is left to the editor, which applies it as a whole.
		if len(fix.Edits) != 1 || fix.Edits[0].Path != "" && fix.Edits[0].Path != a.Path {
			continue
		}
		edits = append(edits, fix.Edits[0].Edits...)
		title = fix.Title
		for _, i := range fix.Resolves {
			resolved[i] = true
		}
	}
	if len(edits) == 0 {
		return nil, 0, nil
	}
	next, err := a.Source.Edit(edits)
	if err != nil {
		return nil, 0, fmt.Errorf("the fixes do not fit together (last: %q): %w; please report it with this file", title, err)
	}
	if bytes.Equal(next.Text, a.Source.Text) {
		return nil, 0, nil
	}
	return next, len(resolved), nil
}
