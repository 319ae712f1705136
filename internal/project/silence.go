package project

import (
	"context"
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// Silence puts suppression comments with a reason behind the findings in files that are meant; no file is written. Cleared counts the
// findings that comments silence. It fails with the context.
func (x *Index) Silence(ctx context.Context, p *Program, paths []string, meant func(diagnostics.Diagnostic) bool, reason string) ([]Fixed, error) {
	before, err := x.AnalyzeAll(ctx, p, paths)
	if err != nil {
		return nil, err
	}
	out := make([]Fixed, len(paths))
	for i, a := range before {
		out[i] = Fixed{Before: a, After: a}
		silenced := slices.DeleteFunc(slices.Clone(a.Diagnostics), func(d diagnostics.Diagnostic) bool { return d.Rule.OnSuppressions || !meant(d) })
		if len(silenced) == 0 {
			continue
		}
		next, err := a.Source.Edit(diagnostics.SuppressLines(a.Tree, silenced, x.workspace.overrides.Rules, reason))
		if err != nil {
			out[i].Err = fmt.Errorf("suppressions cannot be written: %w", err)
			continue
		}
		p = p.With(paths[i], next, nil)
	}
	if err := x.again(ctx, p, paths, out); err != nil {
		return nil, err
	}
	for i := range out {
		if f := &out[i]; f.Changed() {
			f.Cleared = len(f.Before.Diagnostics) - len(f.After.Diagnostics)
		}
	}
	return out, nil
}
