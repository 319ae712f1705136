package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP305 wrapper-prefix
//
// # What it does
//
// Reports a state dict taken from a DistributedDataParallel or DataParallel wrapper that is loaded into the bare model, or the
// reverse. Where this file loads it nowhere, a state dict of a DistributedDataParallel wrapper is reported as information.
//
// # Why it matters
//
// The wrapper puts `module.` in front of every key. Loaded into a model without it, every key is missing: load_state_dict
// raises, and with strict=False it loads nothing and says nothing.
//
// # Example
//
//	import torch
//	from torch.nn.parallel import DataParallel
//	from model import Net
//
//	model = Net()
//	model.load_state_dict(torch.load("model.pt", map_location="cpu", weights_only=True))
//	model = DataParallel(model)
//	torch.save(model.state_dict(), "model.pt")
//
// # Use instead
//
//	import torch
//	from torch.nn.parallel import DataParallel
//	from model import Net
//
//	model = Net()
//	model.load_state_dict(torch.load("model.pt", map_location="cpu", weights_only=True))
//	model = DataParallel(model)
//	torch.save(model.module.state_dict(), "model.pt")
//
// # Fix safety
//
// The fix is safe where the load is seen: it saves from, or loads into, the model inside the wrapper. Files written before keep
// their prefix. Where no load is seen the fix is unsafe, because the program that loads the file may wrap its model first. Where
// the model is wrapped on some ways only, there is none.
//
// # What it does not see
//
// Loads in other files. A file that names the prefix anywhere is taken to strip it.
//
// # Related rules
//
// `compile-prefix`, `prefix-strip-everywhere`, `strict-false-unlogged`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html#saving-torch-nn-dataparallel-models
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP305", Name: "wrapper-prefix", Summary: "State dict of a wrapped model, loaded into a bare one",
	Severity: diagnostics.Warning, Fix: diagnostics.Safe, HasFix: true, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information}, FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run: wrapperPrefix,
})

func wrapperPrefix(p *diagnostics.Pass) {
	if len(p.File.Saves()) == 0 || p.File.HandlesPrefix("module") {
		return
	}
	told := once{} // loads: what several saves do wrong for one is told at the first of them
	for _, s := range p.File.Saves() {
		for c := range s.Leaves() {
			if c.Role != training.RoleState || c.Object == nil || c.Object.Kind != training.Model {
				continue
			}
			saved := s.Wrapping(c.Value)
			if saved == training.WrapUnknown {
				continue
			}
			loads, known := p.File.LoadsOf(s, c)
			for _, x := range loads {
				if p.File.Uncalled(x.Node) {
					continue
				}
				loaded := p.File.WrappingOf(x)
				switch {
				case saved == training.Wrapped && loaded == training.Bare:
					if !told.first(x.Node) {
						continue
					}
					d := diagnostics.Diagnostic{
						Place: statePlace(s, c),
						Message: fmt.Sprintf("The keys of `%s` begin with `module.` here, and are loaded into the bare model at %s. "+
							"Every key is missing there, which raises, or with strict=False loads nothing.", c.Object.Name, lineIn(p.File, x.Node, c.Value.Node)),
						Related: []diagnostics.Related{at(x.Node, "loaded without the wrapper here")},
					}
					// Where the model is wrapped on some ways only, `.module` is not always there.
					if p.File.AlwaysWrapped(c.Value) {
						d.Remedies = []diagnostics.Remedy{diagnostics.Unwrap{Receiver: receiver(c), Prefix: "module."}}
					}
					p.Report(d)
				case saved == training.Bare && loaded == training.Wrapped:
					d := diagnostics.Diagnostic{
						Place: training.FirstLine(x.Node),
						Message: fmt.Sprintf("`%s` is wrapped here, so its keys begin with `module.`, but the file was written from the bare model "+
							"at %s. Every key is missing, which raises, or with strict=False loads nothing.", x.Recv.Text(), lineIn(p.File, s.Node, x.Node)),
						Related: []diagnostics.Related{at(s.Node, "saved without the wrapper here")},
					}
					if p.File.AlwaysWrapped(x.Value) {
						d.Remedies = []diagnostics.Remedy{diagnostics.Unwrap{Receiver: x.Recv, Prefix: "module."}}
					}
					p.Report(d)
				}
			}
			if !known && !s.Run.RestoredElsewhere(c.Object) && saved == training.Wrapped && c.Object.DistributedDataParallel() && p.File.AlwaysWrapped(c.Value) {
				p.Report(diagnostics.Diagnostic{
					Severity: diagnostics.Information,
					Place:    statePlace(s, c),
					Message: fmt.Sprintf("The keys of `%s` begin with `module.` (DistributedDataParallel). The file loads only into a model that "+
						"is wrapped too. Save `%s.module.state_dict()`.", c.Object.Name, receiver(c).Text()),
					Remedies: []diagnostics.Remedy{diagnostics.Unwrap{Receiver: receiver(c), Prefix: "module.",
						Reason: "programs that load it into a wrapped model must use its `.module`"}},
				})
			}
		}
	}
}

// receiver is the wrapped model's expression in `model.state_dict()`.
func receiver(c training.Component) pyast.Node {
	return c.Value.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject)
}

// statePlace is the state_dict() call, or the save where that is made elsewhere.
func statePlace(s *training.SaveSite, c training.Component) pyast.Place {
	if n := c.Value.Node; n.Valid() && (n.Tree() != s.Node.Tree() || s.Ctx.Func.Node.Encloses(n)) {
		return training.FirstLine(n)
	}
	return training.FirstLine(s.Node)
}
