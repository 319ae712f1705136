package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP606 save-every-step
//
// # What it does
//
// Reports a training checkpoint that is written after every single batch.
//
// # Why it matters
//
// The training waits for the disk at each step: with Adam a full checkpoint is about three times the model, with SGD and momentum
// about twice. And a run that is killed is killed while a file is being written more often than not, because that is what it
// spends its time on.
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	for epoch in range(10):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, "last.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	for epoch in range(10):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, "last.pt")
//
// # Fix safety
//
// The fix moves the save after the loop over batches, to the end of the epoch. It is unsafe: a run that is killed then loses up to
// an epoch instead of a batch. It is offered where the save is the last statement of the batch.
//
// # What it does not see
//
// Loops that do not go through a data loader, and saves under a condition of which nothing is known: they may be rare.
//
// # Related rules
//
// `unbounded-checkpoints`, `non-atomic-save`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP606", Name: "save-every-step", Summary: "A training checkpoint is written after every batch",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: saveEveryStep,
})

func saveEveryStep(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	places := once{}
	for _, s := range p.File.Saves() {
		l := s.BatchLoop()
		if l == nil || l.Once() || s.Foreign || s.Path.Buffer || !s.Training() || !s.HasKind(training.Optimizer) {
			continue
		}
		call := s.CallIn(l)
		if period := s.Period(l); period != (training.Period{Every: 1, Rhythm: training.Regular}) || !places.first(call) {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place:    training.FirstLine(call),
			Message:  fmt.Sprintf("This checkpoint, the optimizer's state included, is written for every batch (loop at %s): each step waits for the disk.", lineIn(p.File, l.Node, call)),
			Related:  []diagnostics.Related{at(l.Node, "the loop over batches")},
			Remedies: []diagnostics.Remedy{diagnostics.SaveAfterLoop{Save: s, Loop: l}},
		})
	}
}
