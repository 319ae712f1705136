package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP118 best-never-updated
//
// # What it does
//
// Reports a best metric that decides in a loop whether a checkpoint is kept, and that is never assigned after its initial value.
//
// # Why it matters
//
// Each round is compared with the initial value. Practically every epoch is "the best so far", and the last one overwrites the
// checkpoint of the one that really was.
//
// # Example
//
//	import torch
//	from model import Net, train, evaluate
//
//	model = Net()
//	best_acc = 0.0
//	for epoch in range(100):
//	    train(model)
//	    acc = evaluate(model)
//	    if acc > best_acc:
//	        torch.save(model.state_dict(), "best.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, train, evaluate
//
//	model = Net()
//	best_acc = 0.0
//	for epoch in range(100):
//	    train(model)
//	    acc = evaluate(model)
//	    if acc > best_acc:
//	        best_acc = acc
//	        torch.save(model.state_dict(), "best.pt")
//
// # Fix safety
//
// The fix is safe: it assigns the metric where the test has found it better. It is offered where the metric has a name and the
// assignment changes the variable that is tested.
//
// # What it does not see
//
// Variables that are assigned anywhere in the file, even under another condition; best values in dicts; assignments from other
// files.
//
// # Related rules
//
// `aliased-best-state`, `missing-best-metric`, `no-best-checkpoint`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP118", Name: "best-never-updated", Summary: "The best metric is compared and never assigned, so that every epoch is the best",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Run: bestNeverUpdated,
})

func bestNeverUpdated(p *diagnostics.Pass) {
	reported := once{}
	for _, b := range p.File.FrozenBests() {
		if !reported.first(b.Test) {
			continue
		}
		initial, which := "initial value", " below that"
		switch {
		case b.Always:
			initial, which = "initial None", ""
		case b.Higher:
			which = " above that"
		}
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(b.Test),
			Message: fmt.Sprintf("`%s` is never assigned after its %s. Every `%s`%s counts as the best, and takes the place of a better one.",
				b.Name, initial, b.Metric.Text(), which),
			Related: []diagnostics.Related{at(b.Init, "its initial value"), at(b.Use, "the best is kept here")},
		}
		if b.Restored.Valid() {
			d.Message = fmt.Sprintf("`%s` is not updated after an evaluation: it keeps its %s, or what the checkpoint held. A worse `%s` takes the place of a better one.",
				b.Name, initial, b.Metric.Text())
			d.Related = append(d.Related, at(b.Restored, "it is restored here"))
		}
		if b.Local && b.Metric.Is(pyast.KindIdentifier, pyast.KindAttribute) {
			d.Remedies = []diagnostics.Remedy{diagnostics.UpdateBest{Best: b}}
		}
		p.Report(d)
	}
}
