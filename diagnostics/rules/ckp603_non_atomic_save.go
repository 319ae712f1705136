package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP603 non-atomic-save
//
// # What it does
//
// Reports a checkpoint that is written over the one before it, when that file is the only one to resume from, and one under a name of its own
// when the resume takes the newest of them whatever is in it.
// It is a warning where the program itself goes on from that very file when it is started again, and from no other.
// A temporary file that is made in the system's directory for them and moved over the checkpoint is reported too.
//
// # Why it matters
//
// torch.save empties the file first. A run that is killed while it writes leaves neither the old checkpoint nor the new one:
// loading it fails with "failed finding central directory".
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	for epoch in range(100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
//
// # Use instead
//
//	import os
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	for epoch in range(100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt.tmp")
//	    os.replace("last.pt.tmp", "last.pt")
//
// # Fix safety
//
// The fix is safe: it writes beside the file, in the same directory, and renames. A killed run leaves at most a temporary file,
// which the next save reuses. It is unsafe where every rank writes the file, and where the resume lists the files.
//
// # What it does not see
//
// Helpers of other files that write. Copies of the best model and final exports are left alone: the run does not resume from
// them.
//
// # Related rules
//
// `all-ranks-save`, `unsafe-rotation`, `unverified-save`
//
// # References
//
//   - https://docs.python.org/3/library/os.html#os.replace
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP603", Name: "non-atomic-save", Summary: "The only file to resume from is overwritten in place",
	Severity: diagnostics.Information, Also: []diagnostics.Severity{diagnostics.Warning}, Fix: diagnostics.Safe, HasFix: true, Since: "0.1.0",
	FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run:     nonAtomicSave,
})

func nonAtomicSave(p *diagnostics.Pass) {
	for _, m := range p.File.MovedFromTemporary() {
		what := "raises an OSError where the system's directory for temporary files lies on another file system than the checkpoints"
		if m.Name == "shutil.move" {
			what = "copies byte by byte where the system's directory for temporary files lies on another file system than the checkpoints. A run killed meanwhile leaves half a file"
		}
		p.Report(diagnostics.Diagnostic{
			Place:   training.FirstLine(m.Move),
			Message: fmt.Sprintf("`%s` %s. Make the temporary file beside the checkpoint (`dir=`).", m.Name, what),
			Related: []diagnostics.Related{at(m.Made, "the temporary file is made here")},
		})
	}
	places := once{}
	for _, s := range p.File.Saves() {
		if l := s.TornBy(); l != nil && !s.Foreign && !s.Collective && !s.Atomic() && places.first(s.Site()) {
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(s.Site()),
				Message: fmt.Sprintf("%s is written in place, and the resume takes the newest file whatever is in it. After a run that was killed while it "+
					"wrote, it fails until somebody deletes that one.", sentence(shown(s.Path))),
				Related:  loadedHere(l),
				Remedies: []diagnostics.Remedy{diagnostics.AtomicSave{Save: s, Reason: "what a killed run leaves beside the checkpoints may be listed with them"}},
			})
		}
		if s.Foreign || s.Collective || !s.Path.Fixed() || s.Loop == nil && s.LoopThatTrains() == nil || !samePlace(s) {
			continue
		}
		load := resumedFrom(p.File, s)
		if load == nil && (!checkpoints(s) || !p.File.TakesBack() && madeInSight(s)) {
			continue // nothing goes on from it
		}
		only := !another(s, false) && !copied(s)
		if (s.BestOnly() || s.Path.Best()) && (load == nil || !only) {
			continue // a copy beside the file that the run resumes from
		}
		if s.Atomic() || another(s, true) || !places.first(s.Site()) {
			continue
		}
		what := "is the only file to resume from and"
		if !only {
			what = "is a file to resume from and"
		}
		severity := diagnostics.Information
		var related []diagnostics.Related
		if load != nil {
			related = loadedHere(load)
		}
		if l := s.ReadFirst(load); l != nil && only && checkpoints(s) {
			severity, related = diagnostics.Warning, loadedHere(l) // the program goes on from it by itself, and from nothing else
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(s.Site()), Severity: severity,
			Message: fmt.Sprintf("%s %s is overwritten in place. A run killed during the write leaves neither the old checkpoint nor a new "+
				"one that loads.", sentence(shown(s.Path)), what),
			Related:  related,
			Remedies: atomic(p.File, s),
		})
	}
}

// madeInSight reports whether every object of the payload is made by code at hand or by torch itself, so that no part of the
// program that could load the file is out of sight.
func madeInSight(s *training.SaveSite) bool {
	for _, c := range s.Components {
		if c.Object == nil {
			continue
		}
		v := c.Object.Bare().Value
		if v == nil {
			return false
		}
		library := v.Kind == pysem.Call && v.Base.Kind == pysem.External && strings.HasPrefix(v.Base.Name, "torch.")
		if v.Kind != pysem.Instance && !library {
			return false
		}
	}
	return true
}

// atomic is the fix, which is not safe where each rank writes: the second finds the temporary file renamed. There is none where a library
// lets one process of those that come to the call write.
func atomic(f *training.File, s *training.SaveSite) []diagnostics.Remedy {
	if s.Entry.Once {
		return nil
	}
	fix := diagnostics.AtomicSave{Save: s}
	if _, several := s.Distributed(); several && !f.Guarded(s.Frame) && !s.Path.Rank {
		fix.Reason = "every rank writes this file, and the second one to finish finds the temporary file renamed: let one rank write first"
	}
	return []diagnostics.Remedy{fix}
}

// checkpoints reports whether a payload is one to resume from: a training checkpoint, or progress and an optimizer's state beside
// a model of whatever name.
func checkpoints(s *training.SaveSite) bool {
	return s.Training() || s.Kind == training.PayloadDict && s.HasRole(training.RoleProgress) && s.HasKind(training.Optimizer) || split(s)
}

// split reports whether a save writes the model of a checkpoint of several files: the optimizer's state goes to another, under the same
// conditions.
func split(s *training.SaveSite) bool {
	return s.Kind == training.PayloadState && s.HasKind(training.Model) && slices.ContainsFunc(s.Companions(), func(o *training.SaveSite) bool {
		return o.Kind == training.PayloadState && o.HasKind(training.Optimizer) && o.Path.Fixed() && o.Ctx == s.Ctx &&
			training.Implied(o.Frame, s.Frame) && training.Implied(s.Frame, o.Frame)
	})
}

// sentence begins a sentence with a name or phrase.
func sentence(s string) string {
	if s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// samePlace reports whether the name is known to stay the same from save to save.
func samePlace(s *training.SaveSite) bool {
	for _, v := range s.Path.Value.Alternatives() {
		switch v.Kind {
		case pysem.Str:
			if !s.Path.Same() {
				return false
			}
		case pysem.ParamVal:
		case pysem.Attr, pysem.Item:
			if !settled(v) && !s.Path.Listed() {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// settled reports whether a value is an attribute, or what is under a constant key, of something that no loop goes through.
func settled(v *pysem.Value) bool {
	for ; v.Kind == pysem.Attr || v.Kind == pysem.Item; v = v.Base {
		if _, _, ok := v.KeyRead(); v.Kind == pysem.Item && !ok {
			return false
		}
	}
	return v.Kind != pysem.LoopVar && v.Kind != pysem.Elem
}

// resumedFrom is the load that reads the file again to go on training.
func resumedFrom(f *training.File, s *training.SaveSite) *training.LoadSite {
	if l := s.ResumedBy(); l != nil {
		return l
	}
	for _, l := range f.Loads() {
		if l.Resumes() && training.SamePath(s.Path, l.Path) {
			return l
		}
	}
	return nil
}

// surelyIn reports whether a save happens in each epoch, and no option says otherwise.
func surelyIn(s *training.SaveSite) bool {
	period := s.Period(s.EpochLoop)
	return period.Known() && period.Every == 1 && period.Option == ""
}

// copied reports whether the file is copied to names of their own as training goes on.
func copied(s *training.SaveSite) bool {
	return slices.ContainsFunc(s.Names, func(name *training.Path) bool { return len(name.Progress) > 0 && !name.Best() })
}

// another reports whether the same training writes a full checkpoint, best ones aside, to other files too; with surely, in each
// epoch, so that one is always whole.
func another(s *training.SaveSite, surely bool) bool {
	for _, o := range s.Companions() {
		if !o.Training() && s.Training() || o.BestOnly() && !s.BestOnly() || o.Path.Best() || training.SamePath(o.Path, s.Path) {
			continue
		}
		if !surely || o.Training() && o.EpochLoop != nil && (len(o.Path.Progress) > 0 || o.Path.Metric) && surelyIn(o) {
			return true
		}
	}
	return false
}
