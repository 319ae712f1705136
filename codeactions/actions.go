package codeactions

import (
	"reflect"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Fixes writes every fix for the diagnostics of one file, best first. Remedies that repair the same place are composed into
// one fix that resolves several diagnostics. Each fix keeps the trees sound: one whose result would hold new syntax errors is
// dropped. Most fixes change the finding's file alone; what completes a checkpoint also changes the files that load it.
func Fixes(tree *pyast.Tree, ds []diagnostics.Diagnostic) []Fix {
	var out []Fix
	var done []*training.File
	for i, d := range ds {
		switch {
		case d.Facts == nil: // read from the comments
			for _, r := range d.Remedies {
				if r, ok := r.(diagnostics.RemoveSuppression); ok {
					out = append(out, removeSuppression(r, i))
				}
			}
		case !slices.Contains(done, d.Facts):
			done = append(done, d.Facts)
			out = append(out, fixesOf(d.Facts, tree, ds)...)
		}
	}
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

// fixesOf writes the fixes for the diagnostics that were read from one file's facts.
func fixesOf(file *training.File, tree *pyast.Tree, ds []diagnostics.Diagnostic) []Fix {
	file.Lock()
	defer file.Unlock()
	mod := file.ModuleOf(tree)
	if mod == nil {
		return nil
	}
	ds = slices.Clone(ds)
	for i := range ds {
		remedies := slices.Clone(ds[i].Remedies)
		ds[i].Remedies = slices.DeleteFunc(remedies, func(r diagnostics.Remedy) bool { return ds[i].Facts != file || !within(tree, r) })
	}
	var out []Fix
	seen := map[pyast.Node]bool{}
	for i, d := range ds {
		for _, r := range d.Remedies {
			switch r := r.(type) {
			case diagnostics.CompleteCheckpoint:
				if id := saveID(r.Save); !seen[id] {
					seen[id] = true
					out = append(out, completeCheckpoint(file, mod, r.Save, ds)...)
				}
			case diagnostics.RestoreState:
				if id := r.Load.Node; !seen[id] {
					seen[id] = true
					out = append(out, restoreStates(file, mod, r.Load, ds)...)
				}
			default:
				if f, ok := single(newSheet(file, mod), r); ok {
					f.Resolves = []int{i}
					out = append(out, f)
				}
			}
		}
	}
	gate := newGate(file)
	defer gate.close()
	return gate.passed(out, tree)
}

// within reports whether all that a remedy is to change stands in one file. What completes a checkpoint may change others.
func within(tree *pyast.Tree, r diagnostics.Remedy) bool {
	switch r.(type) {
	case diagnostics.CompleteCheckpoint, diagnostics.RestoreState:
		return true
	}
	v := reflect.ValueOf(r)
	for i := range v.NumField() {
		var n pyast.Node
		switch x := v.Field(i).Interface().(type) {
		case pyast.Node:
			n = x
		case *training.SaveSite:
			if x != nil {
				n = x.Node
			}
		case *training.LoadSite:
			if x != nil {
				n = x.Node
			}
		case *training.Call:
			if x != nil {
				n = x.Node
			}
		case []*training.Call:
			for _, c := range x {
				if c.Node.Tree() != tree {
					return false
				}
			}
		case *training.Restore:
			if x != nil {
				n = x.Node
			}
		case training.FrozenBest:
			n = x.Test
		case training.Alias:
			n = x.Assign
		case *training.Step:
			if x != nil {
				n = x.Node
			}
		case *training.Loop:
			if x != nil {
				n = x.Node
			}
		case *pysem.Frame:
			if x != nil {
				n = x.Node
			}
		case *pysem.Func:
			if x != nil {
				n = x.Node
			}
		}
		if n.Valid() && n.Tree() != tree {
			return false
		}
	}
	return true
}

// saveID tells checkpoints apart: the dict they write, or the save itself.
func saveID(s *training.SaveSite) pyast.Node {
	if s.Dict != nil && s.Dict.Literal.Valid() {
		return s.Dict.Literal
	}
	return s.Node
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
	case diagnostics.MakeEverywhere:
		return makeEverywhere(s, r)
	case diagnostics.GatherStates:
		return gatherStates(s, r)
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
	case diagnostics.KeepSome:
		return keepSome(s, r)
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
	case diagnostics.SeedFirst:
		return seedFirst(s, r)
	case diagnostics.SortItems:
		return sortItems(s, r)
	case diagnostics.FixSeed:
		return fixSeed(s, r)
	case diagnostics.SeedSplit:
		return seedSplit(s, r)
	case diagnostics.SetEnvironment:
		return setEnvironment(s, r)
	case diagnostics.SeedByRank:
		return seedByRank(s, r)
	case diagnostics.UpdateBest:
		return updateBest(s, r)
	case diagnostics.DeepCopy:
		return deepCopy(s, r)
	case diagnostics.RecordVersion:
		return recordVersion(s, r)
	case diagnostics.VerifySave:
		return verifySave(s, r)
	case diagnostics.GlobalRank:
		return globalRank(s, r)
	case diagnostics.SaveThenDelete:
		return saveThenDelete(s, r)
	case diagnostics.SpareBest:
		return spareBest(s, r)
	case diagnostics.TrainAgain:
		return trainAgain(s, r)
	case diagnostics.SaveAfterLoop:
		return saveAfterLoop(s, r)
	case diagnostics.SaveLast:
		return saveLast(s, r)
	case diagnostics.MeasureRestored:
		return measureRestored(s, r)
	case diagnostics.RegisterState:
		return registerState(s, r)
	case diagnostics.MoveBefore:
		return moveBefore(s, r)
	}
	return Fix{}, false
}

func removeSuppression(r diagnostics.RemoveSuppression, finding int) Fix {
	return Fix{
		Title: "Remove the unused suppression", Applicability: diagnostics.Safe, Resolves: []int{finding},
		Edits: []FileEdits{{Edits: []text.Edit{{Span: r.Span}}}},
	}
}
