package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP411 missing-mode-after-load
//
// # What it does
//
// Reports a model that is put into evaluation mode in the middle of training, to validate or to write a checkpoint, and that no
// call puts back into training mode before the next step.
//
// # Why it matters
//
// All further steps train without dropout, and batch normalisation uses its running statistics and no longer updates them. Nothing
// fails: the run just learns worse after its first validation, and a resumed run, which begins in training mode, differs from
// one that was not interrupted.
//
// # Example
//
//	import torch
//	from model import Net, loader, validate
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	model.train()
//	for step, (x, y) in enumerate(loader):
//	    optimizer.zero_grad()
//	    model(x).loss(y).backward()
//	    optimizer.step()
//	    if step % 1000 == 0:
//	        model.eval()
//	        validate(model)
//
// # Use instead
//
//	import torch
//	from model import Net, loader, validate
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	for step, (x, y) in enumerate(loader):
//	    model.train()
//	    optimizer.zero_grad()
//	    model(x).loss(y).backward()
//	    optimizer.step()
//	    if step % 1000 == 0:
//	        model.eval()
//	        validate(model)
//
// # Fix safety
//
// The fix calls `train()` at the top of the loop, or after the call that validates. It is unsafe: the numbers of the training
// change, and layers that were frozen in evaluation mode on purpose are trained again.
//
// # What it does not see
//
// A new module is in training mode, and load_state_dict leaves the mode alone: loading and then training needs nothing. It keeps
// silent where anything in the loop calls `train()` or asks for `training`, where the model has neither dropout nor batch
// normalisation in the files that are checked, and about inference without `eval()`.
//
// # Related rules
//
// `state-not-restored`, `unvalidated-resume`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.eval
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP411", Name: "missing-mode-after-load", Summary: "A model stays in evaluation mode while training goes on",
	Severity: diagnostics.Hint, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: missingModeAfterLoad,
})

func missingModeAfterLoad(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	seen := once{}
	for _, l := range p.File.LeftInEval() {
		if !seen.first(l.At) {
			continue
		}
		name := "the model"
		if l.Model != "" {
			name = "`" + l.Model + "`"
		}
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(l.At),
			Message: fmt.Sprintf("This puts %s into evaluation mode, and nothing in the loop puts it back. Further steps train without dropout "+
				"and with fixed batch-norm statistics.", name),
			Related: []diagnostics.Related{at(l.Step, "training goes on here")},
		}
		if l.At != l.Eval {
			d.Related = append(d.Related, at(l.Eval, "evaluation mode is set here"))
		}
		if l.Model != "" {
			fix := diagnostics.TrainAgain{Model: l.Model, Loop: l.Loop}
			if l.At != l.Eval {
				fix.After = l.At
			}
			d.Remedies = []diagnostics.Remedy{fix}
		}
		p.Report(d)
	}
}
