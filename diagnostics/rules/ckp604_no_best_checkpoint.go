package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP604 no-best-checkpoint
//
// # What it does
//
// Reports a training that measures itself on validation data in every epoch and keeps only the newest checkpoint, or the newest few: a
// rotation that does not look at the metric.
//
// # Why it matters
//
// The weights of the best epoch are gone when a later one is worse: the file that stays is the last, not the best. A rotation deletes
// them some epochs later.
//
// # Example
//
//	import torch
//	from model import Net, loader, validate
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	for epoch in range(100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    val_loss = validate(model)
//	    print(epoch, val_loss)
//	    torch.save(model.state_dict(), "model.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, loader, validate
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	best = float("inf")
//	for epoch in range(100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    val_loss = validate(model)
//	    print(epoch, val_loss)
//	    torch.save(model.state_dict(), "model.pt")
//	    if val_loss < best:
//	        best = val_loss
//	        torch.save(model.state_dict(), "best.pt")
//
// # Fix safety
//
// The fix is unsafe: whether more or less of the metric is better is read from its name.
//
// # What it does not see
//
// Selection by another program. A training that keeps every epoch's file, or that names a best value anywhere, is left alone.
//
// # Related rules
//
// `no-last-checkpoint`, `best-never-updated`, `aliased-best-state`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP604", Name: "no-best-checkpoint", Summary: "A validation metric is computed, and the best model is not kept",
	Severity: diagnostics.Hint, Fix: diagnostics.Unsafe, HasFix: true, Since: "0.1.0",
	Run: noBestCheckpoint,
})

func noBestCheckpoint(p *diagnostics.Pass) {
	if len(p.File.Saves()) == 0 || p.File.SelectsBest() {
		return
	}
	places := once{}
	for _, s := range p.File.Saves() {
		if s.Foreign || s.EpochLoop == nil || !holdsModel(s) || keepsAll(s) || !s.Period(s.EpochLoop).Known() {
			continue
		}
		metric, ok := s.EpochLoop.ValidationMetric()
		if !ok {
			continue
		}
		rotated := len(s.Path.Progress) > 0 && s.Removed()
		if !rotated && !(s.Path.Fixed() && samePlace(s)) || !places.first(s.Site()) {
			continue
		}
		message := "`%s` is computed in every epoch, but only the newest model is kept: when a later epoch is worse, the best one is lost."
		if rotated {
			message = "`%s` is computed in every epoch, but old checkpoints are removed whatever it says: the best one goes as soon as it is old enough."
		}
		p.Report(diagnostics.Diagnostic{
			Place:    training.FirstLine(s.Site()),
			Message:  fmt.Sprintf(message, metric.Name),
			Related:  []diagnostics.Related{at(metric.Node, "the metric is computed here")},
			Remedies: []diagnostics.Remedy{diagnostics.KeepBest{Save: s, Metric: metric.Name, Higher: metric.Higher}},
		})
	}
}

// keepsAll reports whether the training also writes a file for each epoch, among which the best one is.
func keepsAll(s *training.SaveSite) bool {
	for _, o := range s.Companions() {
		if len(o.Path.Progress) > 0 || o.Path.Metric || o.Foreign {
			return true
		}
	}
	return false
}
