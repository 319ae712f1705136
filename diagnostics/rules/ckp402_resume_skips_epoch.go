package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP402 resume-skips-epoch
//
// # What it does
//
// Reports a resume that leaves an epoch out because one is added to the epoch both when it is saved and when it is loaded, and one that
// leaves out several because it divides a number of batches by the number of optimizer steps in an epoch.
// A checkpoint that is written every so many steps, from which the loop goes on with the next epoch, is reported as well.
//
// # Why it matters
//
// The checkpoint already holds the number of the next epoch. Adding one again skips that epoch: it is never trained, and
// the learning-rate schedule and the shuffle order move on without it.
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
//	start_epoch = checkpoint["epoch"] + 1
//	for epoch in range(start_epoch, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({"epoch": epoch + 1, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
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
//	start_epoch = checkpoint["epoch"]
//	for epoch in range(start_epoch, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({"epoch": epoch + 1, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
//
// # Fix safety
//
// The fix takes one off where the epoch is read. It is unsafe because checkpoints written by other programs may count
// otherwise.
//
// # What it does not see
//
// Epochs that pass through other files or are computed by more than adding a constant.
//
// # Related rules
//
// `resume-off-by-one`, `resume-ignores-progress`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP402", Name: "resume-skips-epoch", Summary: "One is added to the epoch both at the save and at the load",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: resumeSkipsEpoch,
})

func resumeSkipsEpoch(p *diagnostics.Pass) {
	places := once{}
	for _, m := range p.File.MixedUnits() {
		if !places.first(m.Division) {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(m.Division),
			Message: fmt.Sprintf("`%s` counts batches, `%s` the optimizer steps of an epoch: the resumed loop starts `%s` times too late. Divide the steps.",
				m.Batches.Text(), m.Steps.Text(), m.Factor.Text()),
			Related: []diagnostics.Related{at(m.Loop.Node, "the resumed loop starts here")},
		})
	}
	for _, c := range p.File.CutShort() {
		if !places.first(c.Place) {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(c.Place),
			Message: "The checkpoint is written in the middle of an epoch, and the resumed loop starts with the next one: the rest of that epoch is " +
				"never trained.",
			Related: []diagnostics.Related{at(c.Saved, "the epoch is saved here"), at(c.Loop.Node, "the resumed loop starts here")},
		})
	}
	for _, c := range p.File.Continuations() {
		if c.Shift != 2 {
			continue
		}
		message := "The checkpoint holds the number of the next epoch, and one is added again on resume: that epoch is never trained."
		if c.Epoch >= 0 {
			message = fmt.Sprintf("The checkpoint was written after epoch %d, and the loop starts with epoch %d: epoch %d is never trained.", c.Epoch, c.Epoch+2, c.Epoch+1)
		}
		p.Report(diagnostics.Diagnostic{
			Place:    training.FirstLine(c.Place),
			Message:  message,
			Detail:   timeline(c),
			Related:  []diagnostics.Related{at(c.Saved, "the epoch is saved here"), at(c.Loop.Node, "the resumed loop starts here")},
			Remedies: []diagnostics.Remedy{diagnostics.ShiftEpoch{Node: c.Shifted(), Delta: -1}},
		})
	}
}
