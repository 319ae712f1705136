package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// fewFiles is the number of checkpoints up to which a run may as well keep them all.
const fewFiles = 10

// manyFiles is the number from which they weigh on any disk, whatever the model.
const manyFiles = 100

// CKP601 unbounded-checkpoints
//
// # What it does
//
// Reports checkpoints whose name changes with the epoch or step, in a file that never removes old ones, when the run writes ten
// or more, or one in each of an unknown number of epochs.
//
// # Why it matters
//
// Every file stays on the disk. With the state of Adam a full checkpoint is about three times the model, with SGD and momentum
// about twice. A full disk ends the run in the middle of a save.
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	for epoch in range(200):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save(model.state_dict(), f"model_{epoch:03d}.pt")
//
// # Use instead
//
//	import os
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	for epoch in range(200):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save(model.state_dict(), f"model_{epoch:03d}.pt")
//	    if epoch >= 3:
//	        os.remove(f"model_{epoch - 3:03d}.pt")
//
// # Fix safety
//
// The fix is unsafe: it deletes all but the newest checkpoints after each save, by number, and never the best.
//
// # What it does not see
//
// Clean-up by another program or file. Below 100 files the severity is information. It is silent where the program deletes anything that may lie where the checkpoint does, or
// hands its place to an unresolved function that rotates files by its name. Saves under a test of which nothing is known, and those of helpers in other files, are
// left alone.
//
// # Related rules
//
// `unsafe-rotation`, `save-every-step`, `trainer-unbounded`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP601", Name: "unbounded-checkpoints", Summary: "Checkpoints pile up, and nothing removes the old ones",
	Severity: diagnostics.Information, Fix: diagnostics.Unsafe, HasFix: true, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Warning},
	Run:  unboundedCheckpoints,
})

func unboundedCheckpoints(p *diagnostics.Pass) {
	places := once{}
	for _, s := range p.File.Saves() {
		if s.Foreign || s.Loop == nil || len(s.Path.Progress) == 0 || s.Path.Buffer || s.BestOnly() || !holdsModel(s) {
			continue
		}
		loop := s.EpochLoop
		if loop == nil {
			loop = s.Loop
		}
		period := s.Period(loop)
		if !period.Known {
			continue
		}
		rounds, known := loop.Rounds()
		how := "every epoch"
		if period.Every > 1 {
			how = fmt.Sprintf("every %d epochs", period.Every)
		}
		var count string
		severity := diagnostics.Information
		switch {
		case known && rounds/period.Every >= fewFiles:
			if rounds/period.Every >= manyFiles {
				severity = diagnostics.Warning
			}
			count = fmt.Sprintf("%d epochs make %d files", rounds, rounds/period.Every)
		case known, period.Every > 1, s.EpochLoop == nil:
			continue
		default:
			count = "Each epoch adds a file"
		}
		if s.Removed() || !places.first(s.Site()) {
			continue
		}
		place := training.FirstLine(s.Site())
		if s.Ctx.Func != loop.Ctx.Func {
			place = s.Anchor() // a helper writes what the loop names
		}
		p.Report(diagnostics.Diagnostic{
			Place: place, Severity: severity,
			Message: fmt.Sprintf("%s is written %s and nothing in this file removes old ones. %s%s.", shown(s.Path), how, count,
				size(s)),
			Remedies: []diagnostics.Remedy{diagnostics.KeepLast{Save: s}},
		})
	}
}

// holdsModel reports whether the payload is a model or a checkpoint, rather than samples or figures.
func holdsModel(s *training.SaveSite) bool {
	return s.Kind == training.PayloadObject || s.HasKind(training.Model)
}

// adaptive are optimizers with two tensors of state for each parameter.
var adaptive = map[string]bool{"Adam": true, "AdamW": true, "NAdam": true, "RAdam": true, "Adamax": true}

// size says how large a full checkpoint is beside the model, where the optimizer is known.
func size(s *training.SaveSite) string {
	for _, c := range s.Components {
		if c.Object == nil || c.Object.Kind != training.Optimizer || c.Role != training.RoleState {
			continue
		}
		switch class := shortClass(c.Object); {
		case adaptive[class]:
			return fmt.Sprintf(", each about three times the model (with the state of %s)", class)
		case class == "SGD" && c.Object.Arg(2, "momentum").Node.Valid():
			return ", each about twice the model (SGD with momentum)"
		}
	}
	return ""
}
