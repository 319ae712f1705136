package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP503 strict-false-unlogged
//
// # What it does
//
// Reports `load_state_dict(..., strict=False)` whose result, the missing and unexpected keys, is thrown away. It is a warning where
// training goes on from the file, whose keys must all fit; elsewhere it is information.
//
// # Why it matters
//
// With `strict=False` a key that does not match is no error. A layer that was renamed, or every key with another prefix, keeps
// its initial values, and training or evaluation goes on with them.
//
// # Example
//
//	import torch
//	from model import Net
//
//	model = Net()
//	model.load_state_dict(torch.load("last.pt", map_location="cpu", weights_only=True), strict=False)
//
// # Use instead
//
//	import torch
//	from model import Net
//
//	model = Net()
//	result = model.load_state_dict(torch.load("last.pt", map_location="cpu", weights_only=True), strict=False)
//	print(f"missing keys: {result.missing_keys}, unexpected keys: {result.unexpected_keys}")
//
// # Fix safety
//
// The fix is safe: it only tells what did not match, by the module's logger where it has one. It is unsafe for averages, and for a
// class with a load_state_dict of its own, which may return nothing.
//
// # What it does not see
//
// It keeps silent where the keys were compared with the model's before, or some were taken out of the state, because then the
// mismatch is intended.
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP503", Name: "strict-false-unlogged", Summary: "strict=False, and the keys that did not match are thrown away",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Warning}, FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run: strictFalseUnlogged,
})

func strictFalseUnlogged(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	for _, r := range p.File.Runs {
		for _, x := range r.Restores {
			lenient, byDefault := x.Lenient()
			if !lenient || x.ResultUsed || x.ComparesKeys() || x.TakesOut() {
				continue
			}
			how, severity := "`strict=False`", diagnostics.Information
			if byDefault {
				how = "`strict`, False unless the caller says otherwise,"
			} else if x.Load != nil && x.Load.Resumes() && (x.Load.RestoresKind(training.Optimizer) || x.Run.TrainsAfter(x.Index)) {
				severity = diagnostics.Warning
			}
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(x.Node), Severity: severity,
				Message: fmt.Sprintf("%s hides keys that do not match, and the result is thrown away: what is missing keeps "+
					"its initial values in `%s` without a word.", how, x.Recv.Text()),
				Remedies: []diagnostics.Remedy{diagnostics.ReportMismatch{Restore: x}},
			})
		}
	}
}
