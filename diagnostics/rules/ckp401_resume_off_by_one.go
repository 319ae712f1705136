package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP401 resume-off-by-one
//
// # What it does
//
// Reports a resume that starts its loop with the epoch that the checkpoint had completed. It is information where the loop makes
// as many rounds wherever it starts, `range(start, start + 200)`, and the number reaches no schedule, sampler or file name.
//
// # Why it matters
//
// The checkpoint is written when an epoch has been trained, and holds that epoch's number. A loop that starts with this
// number trains the epoch a second time: one epoch too many, a learning rate one epoch behind, and a run that differs from
// one that was not interrupted.
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
//	start_epoch = checkpoint["epoch"]
//	for epoch in range(start_epoch, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
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
// The fix adds one where the epoch is read, or where it is saved if another save already holds the number of the next. It is unsafe because checkpoints written by other programs may count differently.
//
// # What it does not see
//
// Epochs that pass through other files or are computed by more than adding a constant; step-based loops; checkpoints written
// in the middle of an epoch. Where the program itself adds one for some checkpoints, as by a version in them, it keeps silent.
//
// # Related rules
//
// `resume-skips-epoch`, `resume-ignores-progress`, `saved-before-scheduler-step`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP401", Name: "resume-off-by-one", Summary: "The epoch that was completed is trained again after a resume",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  resumeOffByOne,
})

func resumeOffByOne(p *diagnostics.Pass) {
	for _, c := range p.File.Continuations() {
		if c.Shift != 0 {
			continue
		}
		message := "The checkpoint holds the number of an epoch that is done, and the loop starts with that number: the epoch is trained twice."
		if c.FromName {
			message = "The checkpoint is named after an epoch that is done, and the loop starts with that number: the epoch is trained twice."
		}
		if c.Epoch >= 0 {
			message = fmt.Sprintf("The checkpoint was written after epoch %d, and the loop starts with epoch %d: epoch %d is trained twice.", c.Epoch, c.Epoch, c.Epoch)
		}
		d := diagnostics.Diagnostic{
			Place:    training.FirstLine(c.Place),
			Message:  message,
			Detail:   timeline(c),
			Related:  []diagnostics.Related{at(c.Saved, "the epoch is saved here, after its training"), at(c.Loop.Node, "the resumed loop starts here")},
			Remedies: []diagnostics.Remedy{diagnostics.ShiftEpoch{Node: c.Shifted(), Delta: 1}},
		}
		if n := c.Uneven(); n.Valid() {
			d.Remedies = []diagnostics.Remedy{diagnostics.ShiftEpoch{Node: n, Delta: 1, Saved: true}}
		}
		if c.Bounded() {
			d.Severity = diagnostics.Information
			d.Message = "The checkpoint holds the number of an epoch that is done, and the loop starts with that number: two epochs share it. The loop still runs its full number of epochs."
		}
		p.Report(d)
	}
}

// timeline is the hover's picture of a continuation, with the epoch of the code or 39 as an example.
func timeline(c training.Continuation) string {
	last, example := c.Epoch, ""
	if last < 0 {
		last, example = 39, " (for example)"
	}
	next := last + c.Shift
	text := fmt.Sprintf("- trained before the crash: epochs 0 ... %d%s\n- trained after the resume: epochs %d ...", last, example, next)
	switch {
	case c.Shift <= 0:
		text += fmt.Sprintf("\n- **trained twice: epoch %d**", last)
	case c.Shift >= 2:
		text += fmt.Sprintf("\n- **never trained: epoch %d**", last+1)
	}
	return text
}
