package rules

import (
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP607 no-last-checkpoint
//
// # What it does
//
// Reports a training that writes its checkpoints, optimizer and all, only when a metric is the best so far, and that goes on
// from such a checkpoint.
//
// # Why it matters
//
// A run that is killed thirty epochs after its best one goes back these thirty epochs. Counts of patience and schedules go back
// with it.
//
// # Example
//
//	import torch
//	from model import Net, loader, validate
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	checkpoint = torch.load("best.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	best = checkpoint["best"]
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    loss = validate(model)
//	    if loss < best:
//	        best = loss
//	        torch.save({"epoch": epoch, "best": best, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "best.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, loader, validate
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	best = checkpoint["best"]
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    loss = validate(model)
//	    if loss < best:
//	        best = loss
//	        torch.save({"epoch": epoch, "best": best, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "best.pt")
//	    torch.save({"epoch": epoch, "best": best, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
//
// # Fix safety
//
// The fix writes the same payload to a file of its own in every epoch, and leaves the load alone. It is unsafe: it takes more disk
// and time, and only a resume from the new file gains by it. It is offered where the payload is written out at the save and the
// file's name is a constant with "best" in it.
//
// # What it does not see
//
// Checkpoints that other files write: where any call may write one, it keeps silent.
//
// # Related rules
//
// `no-best-checkpoint`, `resume-from-best`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP607", Name: "no-last-checkpoint", Summary: "Only the best checkpoint is written, and training resumes from it",
	Severity: diagnostics.Hint, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: noLastCheckpoint,
})

func noLastCheckpoint(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	places := once{}
	for _, s := range p.File.Saves() {
		if s.EpochLoop == nil || !onlyBest(s) || !s.HasKind(training.Optimizer) || !s.Training() {
			continue
		}
		load := resumedFrom(p.File, s)
		if load == nil || !places.first(s.Site()) {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(s.Site()),
			Message: "Checkpoints are written only when the metric is the best so far. A run that is killed resumes from its best epoch, " +
				"and all epochs since then are trained again.",
			Related:  loadedHere(load),
			Remedies: []diagnostics.Remedy{diagnostics.SaveLast{Save: s}},
		})
	}
}

// onlyBest reports whether the save, and every other of its training, is made for the best metric only.
func onlyBest(s *training.SaveSite) bool {
	for _, o := range append(s.Companions(), s) {
		if o.Foreign || o.Collective || !o.BestOnly() && !(o.Path.Best() && o.Kind == training.PayloadState) {
			return false
		}
	}
	return s.BestOnly() && !s.Run.SavesBesides(s)
}
