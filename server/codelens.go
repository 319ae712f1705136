package server

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/internal/insight"
)

// applyFix is the command that makes the fix of findings; lensArguments are its argument.
const applyFix = "ckpt-lsp.applyFix"

// lensArguments are those of a code lens's command: the document and its version, the codes of the findings to mend, and where they
// stand.
type lensArguments struct {
	URI      string            `json:"uri"`
	Version  int32             `json:"version"`
	Codes    []string          `json:"codes"`
	Position protocol.Position `json:"position"`
}

// CodeLens shows above each save of a training checkpoint how complete it is, and offers to complete it; above each load of a file that exists, what
// that holds.
func (s *session) CodeLens(ctx context.Context, p *protocol.CodeLensParams) ([]protocol.CodeLens, error) {
	out := []protocol.CodeLens{}
	v := viewIn(ctx)
	d, c := documentIn(ctx, p.TextDocument.URI)
	if d == nil || d.tree == nil || !d.folder(v).settings.codeLens {
		return out, nil
	}
	a, err := d.analyze(ctx, v)
	if err != nil {
		return nil, err
	}
	facts, err := d.facts(ctx, v)
	if err != nil {
		return nil, err
	}
	for _, save := range insight.Saves(facts, d.path, a.Diagnostics) {
		if !save.Training || !c.holds(save.Line) {
			continue
		}
		lens := protocol.CodeLens{Range: s.units.lsp(c, save.Line)}
		title := "checkpoint " + completeness(save, a.Diagnostics)
		lens.Command = protocol.Command{Title: title}
		if mended := mendable(a, save); len(mended) > 0 {
			var codes []string
			for _, i := range mended {
				codes = append(codes, a.Diagnostics[i].Rule.Code)
			}
			slices.Sort(codes)
			arguments, err := json.Marshal(lensArguments{string(c.uri), c.version, slices.Compact(codes), lens.Range.Start})
			if err != nil {
				return nil, err
			}
			save.Missing = mended
			title += ": add " + strings.Join(missingNames(save, a.Diagnostics), ", ")
			lens.Command = protocol.Command{Title: title, Command: applyFix, Arguments: []protocol.LSPAny{arguments}}
		} else if len(save.Missing) > 0 {
			lens.Command = protocol.Command{Title: title + ": lacks " + strings.Join(missingNames(save, a.Diagnostics), ", ")}
		}
		out = append(out, lens)
	}
	for _, l := range s.loaded(ctx, v, d, facts) {
		if c.holds(l.call) {
			out = append(out, protocol.CodeLens{Range: s.units.lsp(c, l.call), Command: protocol.Command{Title: l.title}})
		}
	}
	return out, nil
}

// mendable is what a checkpoint lacks that the best fix adds, as findings.
func mendable(a *analysis, save insight.Save) []int {
	for _, f := range a.fixes() {
		if added := slices.DeleteFunc(slices.Clone(f.Resolves), func(i int) bool { return !slices.Contains(save.Missing, i) }); len(added) > 0 {
			return added
		}
	}
	return nil
}
