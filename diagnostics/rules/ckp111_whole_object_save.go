package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP111 whole-object-save
//
// # What it does
//
// Reports `torch.save` of a whole model instead of its state dict, also as a value in a dict. It is a warning where the program
// loads it and leaves `weights_only` to torch. It is information where no load of it is found, where a load says
// `weights_only=False` or the program lists the classes that it may make, where the project rules out torch 2.6, where the object is
// made for the file (`copy.deepcopy(model).half()`), as exports are, and where it is written before the training.
//
// # Why it matters
//
// The file holds a pickle of the object: the names of its class and of the module that defines it, and its attributes. It
// loads only where the same code has the same name, and `torch.load` refuses it since 2.6 unless it is allowed to run any
// pickle (`weights_only=False`). Of all that is saved, torch promises only for tensors that later versions load them: a class that has
// moved or is gone, the program's or torch's own, ends in "Can't get attribute".
//
// # Example
//
//	import torch
//	from torch import nn
//
//	model = nn.Linear(4, 2)
//	torch.save(model, "model.pt")
//	restored = torch.load("model.pt")
//
// # Use instead
//
//	import torch
//	from torch import nn
//
//	model = nn.Linear(4, 2)
//	torch.save(model.state_dict(), "model.pt")
//	restored = torch.load("model.pt")
//
// # Fix safety
//
// The fix is unsafe: code that loads the file must build the model first and call `load_state_dict`.
//
// # What it does not see
//
// Objects that only their name suggests to be models. Saves into a buffer are exports or copies and stay silent.
//
// # Related rules
//
// `unloadable-payload`, `explicit-unsafe-load`, `missing-model-state`
//
// # References
//
//   - https://ckpt-lsp.github.io/ckpt-lsp/old-checkpoints/
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html#save-load-entire-model
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP111", Name: "whole-object-save", Summary: "A whole model is pickled instead of its state dict",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  wholeObjectSave,
})

func wholeObjectSave(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	for _, s := range p.File.Saves() {
		if s.Foreign || s.Path.Buffer {
			continue
		}
		for c := range s.Leaves() {
			if c.Role != training.RoleObject || !s.Run.IsModel(c.Object) {
				continue
			}
			n := s.PayloadNode
			if c.Entry.Value.Node.Valid() { // a part of a dict or list
				n = c.Entry.Value.Node
			}
			if !n.Valid() || n.Kind() == pyast.KindDictionary {
				continue
			}
			severity := diagnostics.Warning
			load, decided := s.PickleRead(c)
			if load == nil || decided || p.NeverTorch(2, 6) || n.Kind() == pyast.KindCall || s.BeforeTraining() || s.StateBeside() || p.File.Unrestricted() {
				severity = diagnostics.Information // nothing in sight fails; made for the file, as an export is; or chosen
			}
			d := diagnostics.Diagnostic{
				Place: training.FirstLine(n), Severity: severity,
				Message: fmt.Sprintf("This pickles `%s` as a whole. The file loads only where the same code can be imported, and "+
					"not with `weights_only=True`, the default since torch 2.6. Save `state_dict()`.", n.Text()),
				Remedies: []diagnostics.Remedy{diagnostics.SaveState{Value: n}},
			}
			if load != nil {
				d.Related = append(d.Related, at(load.Node, "this load does not say weights_only=False"))
			}
			if n != s.PayloadNode && !s.Node.Encloses(n) {
				d.Related = append(d.Related, at(s.Node, "the checkpoint is written here"))
			}
			p.Report(d)
		}
	}
}
