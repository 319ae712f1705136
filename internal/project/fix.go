package project

import (
	"bytes"
	"context"
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// mostRounds bounds how often a file is fixed and analysed again; fixes that need more undo each other.
const mostRounds = 20

// Fix applies the fixes of at least the given applicability, within the file, until nothing changes; the file itself is not
// written. It gives the analysis of the text it arrived at and the number of findings that fixes cleared. With an error, that
// is the last sound text, which is the first where the fixes do not settle.
func (w *Workspace) Fix(ctx context.Context, a *Analysis, atLeast diagnostics.Applicability) (_ *Analysis, fixed int, err error) {
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
		next, err := w.AnalyzeContext(ctx, a.Path, a.Source.With(changed), nil)
		if err != nil {
			return a, fixed, err
		}
		if next.Facts == nil || next.Facts.Tree.HasErrors() && !a.Facts.Tree.HasErrors() {
			return a, fixed, fmt.Errorf("a fix (one of those with %q) would have broken the syntax and was not applied; please report it with this file", title)
		}
		a, fixed = next, fixed+len(cleared)
	}
	return first, 0, fmt.Errorf("the fixes did not settle after %d rounds and were not applied; please report it with this file", mostRounds)
}
