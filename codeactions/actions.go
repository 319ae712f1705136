package codeactions

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Fixes writes every fix for the diagnostics of one file, best first. Remedies that repair the same place are composed into
// one fix that resolves several diagnostics. Each fix keeps the tree sound: one whose result would hold new syntax errors is
// dropped.
func Fixes(file *training.File, ds []diagnostics.Diagnostic) []Fix {
	var out []Fix
	seen := map[int]bool{}
	for i, d := range ds {
		for _, r := range d.Remedies {
			switch r := r.(type) {
			case diagnostics.CompleteCheckpoint:
				if id := saveID(r.Save); !seen[id] {
					seen[id] = true
					out = append(out, completeCheckpoint(file, r.Save, ds)...)
				}
			case diagnostics.RestoreState:
				if id := -1 - r.Load.Node.ID(); !seen[id] {
					seen[id] = true
					out = append(out, restoreStates(file, r.Load, ds)...)
				}
			default:
				if f, ok := single(newSheet(file), r); ok {
					f.Resolves = []int{i}
					out = append(out, f)
				}
			}
		}
	}
	out = slices.DeleteFunc(out, func(f Fix) bool { return !sound(file, f) })
	slices.SortStableFunc(out, func(a, b Fix) int { return int(b.Applicability) - int(a.Applicability) })
	preferred := map[int]bool{}
	for i := range out {
		if out[i].Applicability == diagnostics.Safe && len(out[i].Resolves) > 0 && !preferred[out[i].Resolves[0]] {
			out[i].Preferred = true
			for _, d := range out[i].Resolves {
				preferred[d] = true
			}
		}
	}
	return out
}

// saveID tells checkpoints apart: the dict they write, or the save itself.
func saveID(s *training.SaveSite) int {
	if s.Dict != nil && s.Dict.Literal.Valid() {
		return s.Dict.Literal.ID()
	}
	return s.Node.ID()
}

// sound reports whether a fix leaves a text that parses as well as the one before.
func sound(file *training.File, f Fix) bool {
	for _, e := range f.Edits {
		if e.Path != "" {
			continue
		}
		after, err := text.Apply(file.Tree.Source(), e.Edits)
		if err != nil {
			return false
		}
		tree, err := pyast.Parse(after)
		if err != nil || tree.HasErrors() && !file.Tree.HasErrors() {
			return false
		}
	}
	return len(f.Edits) > 0
}

// Compatible picks from fixes, in order, those of at least the given applicability whose edits do not overlap, so that they
// can be applied in one go. Two insertions at one place count as overlapping: the second is made in the next round.
func Compatible(fixes []Fix, atLeast diagnostics.Applicability) []Fix {
	var out []Fix
	taken := map[string][]text.Span{}
	resolved := map[int]bool{}
	for _, f := range fixes {
		if f.Applicability < atLeast || slices.ContainsFunc(f.Resolves, func(d int) bool { return resolved[d] }) {
			continue
		}
		free := true
		for _, e := range f.Edits {
			for _, x := range e.Edits {
				if slices.ContainsFunc(taken[e.Path], x.Span.Overlaps) {
					free = false
				}
			}
		}
		if !free {
			continue
		}
		for _, e := range f.Edits {
			for _, x := range e.Edits {
				taken[e.Path] = append(taken[e.Path], x.Span)
			}
		}
		for _, d := range f.Resolves {
			resolved[d] = true
		}
		out = append(out, f)
	}
	return out
}

// single writes the remedies that stand alone. Each type has one writer.
func single(s *sheet, r diagnostics.Remedy) (Fix, bool) {
	switch r := r.(type) {
	case diagnostics.SeedAll:
		return seedAll(s, r)
	case diagnostics.Deterministic:
		return deterministic(s, r)
	case diagnostics.Assign:
		return assign(s, r)
	case diagnostics.SeedWorkers:
		return seedWorkers(s, r)
	case diagnostics.GuardRank:
		return guardRank(s, r)
	case diagnostics.AddBarrier:
		return addBarrier(s, r)
	case diagnostics.MoveOutOfGuard:
		return moveOutOfGuard(s, r)
	case diagnostics.Unwrap:
		return unwrap(s, r)
	case diagnostics.SetEpoch:
		return setEpoch(s, r)
	case diagnostics.ShiftEpoch:
		return shiftEpoch(s, r)
	case diagnostics.SaveAfterStep:
		return saveAfterStep(s, r)
	case diagnostics.AtomicSave:
		return atomicSave(s, r)
	case diagnostics.KeepLast:
		return keepLast(s, r)
	case diagnostics.KeepBest:
		return keepBest(s, r)
	case diagnostics.SortByNumber:
		return sortByNumber(s, r)
	case diagnostics.SaveState:
		return saveState(s, r)
	case diagnostics.ReportMismatch:
		return reportMismatch(s, r)
	case diagnostics.Loadable:
		return loadable(s, r)
	case diagnostics.SetKeyword:
		return setKeyword(s, r)
	case diagnostics.RenameKey:
		return renameKey(s, r)
	case diagnostics.UpdateBest:
		return updateBest(s, r)
	case diagnostics.DeepCopy:
		return deepCopy(s, r)
	case diagnostics.RecordVersion:
		return recordVersion(s, r)
	case diagnostics.VerifySave:
		return verifySave(s, r)
	case diagnostics.RemoveSuppression:
		s.replace(r.Span, "")
		return s.fix(Fix{Title: "Remove the unused suppression", Applicability: diagnostics.Safe}), true
	}
	return Fix{}, false
}
