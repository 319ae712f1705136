package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP602 unsafe-rotation
//
// # What it does
//
// Reports a checkpoint that is deleted before the next one is written, and a clean-up of old checkpoints that the best one can
// fall to: because its file is among those listed, or because the best is one of the rotated files. A clean-up that takes the newest files of
// a sorted list is reported too, and one that takes all of them where an option has its default.
//
// # Why it matters
//
// A run that is killed between the deletion and the end of the save leaves no checkpoint at all. A clean-up by age or name that
// does not spare the best deletes it as soon as it is old enough.
//
// # Example
//
//	import os
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	previous = None
//	for epoch in range(100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    path = f"checkpoint_{epoch}.pt"
//	    if previous is not None:
//	        os.remove(previous)
//	    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
//	    previous = path
//
// # Use instead
//
//	import os
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	previous = None
//	for epoch in range(100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    path = f"checkpoint_{epoch}.pt"
//	    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
//	    if previous is not None:
//	        os.remove(previous)
//	    previous = path
//
// # Fix safety
//
// The fix is unsafe: with the deletion after the save, two checkpoints are on the disk for a moment; with the best left out of
// the clean-up, one file more stays. There is none where a variable remembers which of the rotated files is the best.
//
// # What it does not see
//
// Clean-ups by another file or program, and those that keep more than one file when they delete first: an older checkpoint is
// still there. A clean-up that reads numbers from the names, or tests them, is taken to leave the best alone. Whoever passes 0 for the number
// to keep is taken to mean it.
//
// # Related rules
//
// `unbounded-checkpoints`, `no-best-checkpoint`, `lexicographic-latest`
//
// # References
//
//   - https://docs.python.org/3/library/os.html#os.replace
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP602", Name: "unsafe-rotation", Summary: "Clean-up deletes the only checkpoint, or the best",
	Severity: diagnostics.Warning, Fix: diagnostics.Unsafe, HasFix: true, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  unsafeRotation,
})

func unsafeRotation(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	places := once{}
	for _, s := range p.File.Saves() {
		if d, lost := s.DeletedFirst(); lost != training.Kept && worthKeeping(s, lost) && places.first(d.Node) {
			p.Report(deletedFirst(s, d, lost))
		}
	}
	for _, r := range p.File.Runs {
		for _, b := range r.BestAtRisk() {
			if !places.first(b.Deletion.Node) {
				continue
			}
			d := diagnostics.Diagnostic{
				Place:   training.FirstLine(b.Deletion.Node),
				Related: []diagnostics.Related{at(b.Save.Node, "the best checkpoint is written here")},
			}
			if b.Name != "" {
				d.Message = fmt.Sprintf("Old checkpoints are deleted without checking for `%s`: the best one goes as soon as it is old enough.", b.Name)
			} else {
				d.Message = fmt.Sprintf("This clean-up lists %s with the other checkpoints and does not spare it: the best one is deleted as soon as it is "+
					"among the old.", shown(b.Save.Path))
				d.Remedies = []diagnostics.Remedy{diagnostics.SpareBest{Listing: b.Listing.Node}}
			}
			p.Report(d)
		}
		for _, w := range r.WrongEnds() {
			if !places.first(w.Deletion.Node) {
				continue
			}
			d := diagnostics.Diagnostic{
				Place:   training.FirstLine(w.Deletion.Node),
				Message: fmt.Sprintf("`%s` takes the newest of the sorted files: the checkpoint to resume from is deleted.", w.Slice.Text()),
				Related: []diagnostics.Related{at(w.Sort, "they are sorted here"), at(w.Slice, "the files to delete are taken here")},
			}
			if w.All {
				d.Message = fmt.Sprintf("With `%s` = %d `%s` are all files: every checkpoint is deleted.", w.Option, w.Count, w.Slice.Text())
			}
			p.Report(d)
		}
	}
}

// worthKeeping reports whether a save writes a checkpoint: of a training loop at hand, or by the look of what it holds. A model
// that is written again may be an export.
func worthKeeping(s *training.SaveSite, lost training.Lost) bool {
	if s.Loop != nil {
		return s.Open || holdsModel(s)
	}
	return s.Training() || lost != training.LostSame && s.Kind == training.PayloadState && holdsModel(s)
}

func deletedFirst(s *training.SaveSite, d training.Deletion, lost training.Lost) diagnostics.Diagnostic {
	what := "The previous checkpoint"
	switch lost {
	case training.LostSame:
		what = sentence(shown(d.Path))
	case training.LostAll:
		what = "The checkpoint that is there"
	}
	out := diagnostics.Diagnostic{
		Place:    training.FirstLine(d.Node),
		Message:  what + " is deleted before the new one is written: a run killed in between has neither.",
		Related:  []diagnostics.Related{at(s.Node, "the new checkpoint is written here")},
		Remedies: []diagnostics.Remedy{diagnostics.SaveThenDelete{Save: s, Deletion: d.Call, Same: lost == training.LostSame}},
	}
	if s.Loop == nil && lost == training.LostSame && s.Path.InGivenFolder() {
		out.Severity = diagnostics.Information // a caller out of sight may give each checkpoint a folder of its own
	}
	if another(s, false) {
		out.Severity = diagnostics.Information
		out.Message = what + " is deleted before the new one is written: a run killed in between has neither of them, only the other checkpoints."
	}
	return out
}
