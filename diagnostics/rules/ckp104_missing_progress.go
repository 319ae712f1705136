package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP104 missing-progress
//
// # What it does
//
// Reports a checkpoint with optimizer state that training resumes from and that says neither in its keys nor in its name
// how far the run had come.
//
// # Why it matters
//
// The resumed run has to start counting at the beginning: it trains all its epochs again, on top of those done, and
// whatever depends on the epoch (schedules, the shuffle order of a distributed sampler, file names) is wrong.
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	for epoch in range(100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	start_epoch = checkpoint["epoch"] + 1
//	for epoch in range(start_epoch, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
//
// # Fix safety
//
// The fix is safe: it adds the loop variable to the dict and, where the file is loaded before a `range` loop, starts the
// loop after the saved epoch if the file has one.
//
// # What it does not see
//
// Progress kept in other files, or read back from the optimizer's own step count.
//
// # Related rules
//
// `missing-loader-state`, `resume-off-by-one`, `resume-ignores-progress`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP104", Name: "missing-progress", Summary: "A training checkpoint does not say which epoch or step it belongs to",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Run: missingProgress,
})

func missingProgress(p *diagnostics.Pass) {
	for _, r := range p.File.Resumptions() {
		s := r.Save
		if !s.HasKind(training.Optimizer) && !r.Split() || s.HasRole(training.RoleProgress) || len(s.Path.Progress) > 0 || !s.Path.Known && s.EpochLoop == nil {
			continue
		}
		if progressNearby(s) || s.HoldsCount() || s.Inside(training.RoleProgress) || r.Load != nil && (r.Load.Opaque && s.Kind != training.PayloadObject || r.Load.ReadsProgress()) {
			continue
		}
		loop := s.EpochLoop
		if loop == nil {
			loop = s.Loop
		}
		if loop == nil {
			continue // a class saves itself, whoever calls it counts
		}
		unit := "step"
		if loop.Epoch() {
			unit = "epoch"
		}
		p.Report(diagnostics.Diagnostic{
			Place:    s.Anchor(),
			Severity: proven(r, diagnostics.Warning),
			Message:  fmt.Sprintf("The %s is not saved in this checkpoint. A resumed run starts counting at the beginning and trains the %ss already done again.", unit, unit),
			Related:  append(loadedHere(r.Load), at(loop.Node, "the "+unit+"s are counted here")),
			Remedies: []diagnostics.Remedy{diagnostics.CompleteCheckpoint{Save: s, Load: r.Load, Progress: loop}},
		})
	}
}

func progressNearby(s *training.SaveSite) bool {
	for _, o := range s.Companions() {
		if o.HasRole(training.RoleProgress) {
			return true
		}
	}
	return false
}
