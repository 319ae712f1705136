package rules

import (
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP313 prefix-strip-everywhere
//
// # What it does
//
// Reports `k.lstrip("module.")` over the keys of a loaded checkpoint, and `k.replace("module.", "")`: as a warning where a class in
// sight calls a part of a model so that its keys are hit, and as a hint elsewhere.
//
// # Why it matters
//
// DataParallel and DistributedDataParallel put `module.` in front of every key. `replace` takes it out wherever it stands:
// `module.attention_module.weight` becomes `attention_weight`, which no model has. `lstrip` takes a set of characters and goes on
// as long as it finds any of them: `module.layer.weight` becomes `ayer.weight`. With strict=False such weights are left out
// without a word.
//
// # Example
//
//	import torch
//	from torch import nn
//
//	class Net(nn.Module):
//	    def __init__(self):
//	        super().__init__()
//	        self.attention_module = nn.Linear(8, 8)
//
//	model = Net()
//	state = torch.load("last.pt", map_location="cpu", weights_only=True)
//	state = {k.replace("module.", ""): v for k, v in state.items() if k.startswith("module.")}
//	model.load_state_dict(state)
//
// # Use instead
//
//	import torch
//	from torch import nn
//
//	class Net(nn.Module):
//	    def __init__(self):
//	        super().__init__()
//	        self.attention_module = nn.Linear(8, 8)
//
//	model = Net()
//	state = torch.load("last.pt", map_location="cpu", weights_only=True)
//	state = {k.removeprefix("module."): v for k, v in state.items() if k.startswith("module.")}
//	model.load_state_dict(state)
//
// # Fix safety
//
// The fix takes the prefix off the front of the key (str.removeprefix; Python 3.9, which a project that allows torch before 2.5
// may not have: there it is written out). It is safe where the code shows that the prefix stands there: the key is asked for it,
// or the file wraps a whole model. Otherwise it is unsafe, because a checkpoint of a model with a wrapped part has the prefix
// within its keys.
//
// # What it does not see
//
// Regular expressions, and keys that went through another replace before. It is silent in a file that wraps a part of a model.
//
// # Related rules
//
// `wrapper-prefix`, `compile-prefix`
//
// # References
//
//   - https://docs.python.org/3/library/stdtypes.html#str.removeprefix
//   - https://docs.pytorch.org/docs/stable/generated/torch.nn.parallel.DistributedDataParallel.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP313", Name: "prefix-strip-everywhere", Summary: "A wrapper's prefix is taken out of a key wherever it stands",
	Severity: diagnostics.Hint, Also: []diagnostics.Severity{diagnostics.Warning}, Fix: diagnostics.Safe, HasFix: true, Since: "0.1.0",
	FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run:     prefixStripEverywhere,
})

func prefixStripEverywhere(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	for _, s := range p.File.Strips() {
		key, prefix := s.Key.Text(), pysem.Args(s.Call).Pos(0).Text()
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(s.Call),
			Message: fmt.Sprintf("`replace` removes %q from `%s` wherever it stands, not only at the front. A part of the model whose name ends in "+
				"`module` would lose it as well.", s.Prefix, key),
		}
		if s.Inner.Valid() {
			part := lastName(s.Inner.Text())
			d.Severity = diagnostics.Warning
			d.Message = fmt.Sprintf("`replace` removes %q from `%s` wherever it stands, not only at the front. `module.%s.weight` becomes `%sweight`, "+
				"which the model does not have.", s.Prefix, key, part, strings.TrimSuffix(part, "module"))
			d.Related = []diagnostics.Related{at(s.Inner, "a part of the model has such a name")}
		}
		if s.Characters {
			d.Severity = diagnostics.Warning
			d.Message = fmt.Sprintf("`%s` strips all characters of %q, not that prefix. `%slayer.weight` becomes `%s`.",
				lastName(s.Call.Child(pyast.FieldFunction).Text()), s.Prefix, s.Prefix, strings.TrimLeft(s.Prefix+"layer.weight", s.Prefix))
		}
		fix := diagnostics.Assign{
			Title: fmt.Sprintf("Take %q off the front of `%s` only", s.Prefix, key), Value: s.Call, Safe: s.Front || s.Characters,
			New:    fmt.Sprintf("%s.removeprefix(%s)", key, prefix),
			Reason: "a checkpoint of a model with a wrapped part has the prefix within its keys",
		}
		if p.Torch.Before(2, 5) { // runs on Python 3.8, which has no removeprefix
			fix.New = fmt.Sprintf("(%s[len(%s):] if %s.startswith(%s) else %s)", key, prefix, key, prefix, key)
		}
		d.Remedies = []diagnostics.Remedy{fix}
		p.Report(d)
	}
}
