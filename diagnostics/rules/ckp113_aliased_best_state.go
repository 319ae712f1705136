package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP113 aliased-best-state
//
// # What it does
//
// Reports a variable that keeps the best weights while training goes on, and that refers to the model's weights instead of
// holding a copy: `best = model.state_dict()`, also with `.copy()` or `dict(...)`, which copy only the dict; `best = model`.
//
// # Why it matters
//
// `state_dict()` gives references to the tensors that the optimizer goes on changing. Whatever is restored or saved from the
// variable later are the weights of that moment, those of the last epoch in most programs, and not the best.
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
//	        best_acc = acc
//	        best_state = model.state_dict()
//	torch.save(best_state, "best.pt")
//
// # Use instead
//
//	import copy
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
//	        best_state = copy.deepcopy(model.state_dict())
//	torch.save(best_state, "best.pt")
//
// # Fix safety
//
// The fix is safe: it copies the weights with `copy.deepcopy` where they are kept. The copy takes as much memory as the model.
//
// # What it does not see
//
// Variables whose name does not say that they keep the best; weights moved with `.cpu()`, which copies them from a GPU only;
// uses in other files.
//
// # Related rules
//
// `best-never-updated`, `no-best-checkpoint`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP113", Name: "aliased-best-state", Summary: "The best weights are kept as a reference, which training goes on changing",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Run: aliasedBestState,
})

func aliasedBestState(p *diagnostics.Pass) {
	for _, a := range p.File.Aliases() {
		what := fmt.Sprintf("`%s` refers to the weights of `%s`", a.Name, a.Model)
		if a.Whole {
			what = fmt.Sprintf("`%s` is `%s` itself", a.Name, a.Model)
		}
		p.Report(diagnostics.Diagnostic{
			Place:    training.FirstLine(a.Assign),
			Message:  fmt.Sprintf("%s, which training goes on changing. The weights used at %s are the latest, not the best.", what, lineIn(p.File, a.Use, a.Assign)),
			Related:  []diagnostics.Related{at(a.Use, "the kept weights are used here")},
			Remedies: []diagnostics.Remedy{diagnostics.DeepCopy{Alias: a}},
		})
	}
}
