package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP112 uncalled-state-dict
//
// # What it does
//
// Reports `model.state_dict` without the call where its result is meant: in what is saved, in a copy, or as the argument of
// `load_state_dict`.
//
// # Why it matters
//
// The save succeeds: it pickles the method, and the whole object that the method belongs to. The file can be loaded with
// `weights_only=False` alone, and then `load_state_dict` fails on the method: nothing can be restored from the checkpoint.
//
// # Example
//
//	import torch
//	from model import Net
//
//	model = Net()
//	torch.save({"model": model.state_dict}, "last.pt")
//
// # Use instead
//
//	import torch
//	from model import Net
//
//	model = Net()
//	torch.save({"model": model.state_dict()}, "last.pt")
//
// # Fix safety
//
// The fix is safe: it adds the call. Files written before stay as they are.
//
// # What it does not see
//
// Methods of objects that nothing shows to be a model, an optimizer or another tracked object.
//
// # Related rules
//
// `missing-optimizer-state`, `missing-model-state`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.state_dict
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP112", Name: "uncalled-state-dict", Summary: "`state_dict` is used without calling it",
	Severity: diagnostics.Error, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Run: uncalledStateDict,
})

func uncalledStateDict(p *diagnostics.Pass) {
	reported := once{}
	for _, u := range p.File.UncalledStateDicts() {
		if !reported.first(u.Node) {
			continue
		}
		method := u.Node.Text()
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(u.Node),
			Remedies: []diagnostics.Remedy{diagnostics.Assign{
				Title: fmt.Sprintf("Call `%s()`", method), Value: u.Node, New: method + "()", Safe: true,
			}},
		}
		switch {
		case u.Saved:
			d.Message = fmt.Sprintf("`%s` is not called: the file gets the method, and no state can be restored from it.", method)
		case u.Loaded:
			d.Message = fmt.Sprintf("`%s` is not called: load_state_dict gets the method instead of a state dict, and fails.", method)
		default:
			d.Message = fmt.Sprintf("`%s` is not called: the copy is of the method, which load_state_dict rejects.", method)
		}
		if u.Use.Tree() != u.Node.Tree() || !u.Use.Encloses(u.Node) {
			d.Related = append(d.Related, at(u.Use, "it is used here"))
		}
		p.Report(d)
	}
}
