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
// training goes on from the file, whose keys must all fit, and where whoever starts the program names the file and it is one of the model
// as it is; elsewhere, and where a caller decides, it is information.
//
// # Why it matters
//
// With `strict=False` a key that does not match is no error. A layer that was renamed, or every key with another prefix, keeps
// its initial values, and training or evaluation goes on with them. How many keys of how many are missing tells a new head from a model
// that got nothing. Shapes are compared in any case: one that differs is an error with `strict=False`, too.
//
// # Example
//
//	import torch
//	from torch import nn
//
//	model = nn.Linear(4, 2)
//	model.load_state_dict(torch.load("last.pt", map_location="cpu", weights_only=True), strict=False)
//
// # Use instead
//
//	import torch
//	from torch import nn
//
//	model = nn.Linear(4, 2)
//	missing, unexpected = model.load_state_dict(torch.load("last.pt", map_location="cpu", weights_only=True), strict=False)
//	print(f"{len(missing)} of {len(model.state_dict())} keys missing: {missing}, {len(unexpected)} unexpected: {unexpected}")
//
// # Fix safety
//
// The fix is safe where the load_state_dict is known to be a module's: it only reports what did not match, by the module's logger where it
// has one. It is unsafe for averages, and for a class whose code is not available or that has its own load_state_dict, which may return nothing.
//
// # What it does not see
//
// It is silent where the keys were compared with the model's before, or some were taken out of the state, because then the
// mismatch is intended, and where the state is made of another model's, as an average is at each step. Where no training is resumed,
// a comment in front of the load that speaks of strict says that it is intended, too.
//
// # Related rules
//
// `swallowed-version-mismatch`, `wrapper-prefix`, `compile-prefix`
//
// # References
//
//   - https://ckpt-lsp.github.io/ckpt-lsp/old-checkpoints/
//   - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP503", Name: "strict-false-unlogged", Summary: "strict=False, and the keys that did not match are thrown away",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Warning}, FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run: strictFalseUnlogged,
})

// leniencies say who lets keys differ.
var leniencies = map[training.Leniency]string{
	training.LenientHere:      "`strict=False`",
	training.LenientByDefault: "`strict`, False unless the caller says otherwise,",
	training.LenientByCaller:  "`strict`, for which a caller passes False,",
}

func strictFalseUnlogged(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	parameters := once{}
	for _, r := range p.File.Runs {
		for _, x := range r.Restores {
			by, caller := x.Lenient()
			if by == training.Strict || x.ResultUsed || x.ComparesKeys() || x.TakesOut() || x.Copies() {
				continue
			}
			if by != training.LenientHere && !parameters.first(x.Node) {
				continue
			}
			severity := diagnostics.Information
			if by == training.LenientHere && x.Load != nil && x.Load.Resumes() && (x.Load.RestoresKind(training.Optimizer) || x.Run.TrainsAfter(x.Index)) {
				severity = diagnostics.Warning
			} else if x.Explained() {
				continue
			} else if by == training.LenientHere && x.Asked() {
				severity = diagnostics.Warning
			}
			var related []diagnostics.Related
			if caller.Valid() {
				related = append(related, at(caller, "this caller passes False"))
			}
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(x.Node), Severity: severity,
				Message: fmt.Sprintf("%s hides keys that do not match, and the result is thrown away. What is missing "+
					"silently keeps its initial values in `%s`.", leniencies[by], x.Recv.Text()),
				Related:  related,
				Remedies: []diagnostics.Remedy{diagnostics.ReportMismatch{Restore: x}},
			})
		}
	}
}
