package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP504 swallowed-version-mismatch
//
// # What it does
//
// Reports a `load_state_dict` that silently gives up strictness: after a strict load has failed, or when the version in the
// checkpoint differs from the program's, without a look at the keys that did not match. Where the handler says that it does
// so, it is no more than information.
//
// # Why it matters
//
// A checkpoint that does not fit is the very case in which a layer is missing, renamed or new. With `strict=False` such layers
// keep their initial values, and the program goes on without a word about which. A difference in the torch version is rarely the
// cause: torch keeps the names in its layers' state dicts, or restores the old ones. It is the program's own layers that were renamed.
//
// # Example
//
//	import torch
//	from model import Net
//
//	model = Net()
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	try:
//	    model.load_state_dict(checkpoint["model"])
//	except RuntimeError:
//	    model.load_state_dict(checkpoint["model"], strict=False)
//
// # Use instead
//
//	import torch
//	from model import Net
//
//	model = Net()
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	result = model.load_state_dict(checkpoint["model"], strict=False)
//	if result.missing_keys or result.unexpected_keys:
//	    raise RuntimeError(f"checkpoint does not fit: {result}")
//
// # Fix safety
//
// There is no fix: which keys may differ between two versions is for the author to say.
//
// # What it does not see
//
// It is silent where the handler prints the error, which lists the keys, where the result of load_state_dict is used, where the keys are compared with the model's, where the handler
// loads another state than the one that failed, and about comparisons with the version of torch or Python.
//
// # Related rules
//
// `strict-false-unlogged`, `swallowed-restore-error`
//
// # References
//
//   - https://ckpt-lsp.github.io/ckpt-lsp/old-checkpoints/
//   - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP504", Name: "swallowed-version-mismatch", Summary: "A checkpoint that does not fit is silently loaded with strict=False",
	Severity: diagnostics.Warning, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  swallowedVersionMismatch,
})

func swallowedVersionMismatch(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	seen := once{}
	for _, d := range p.File.DroppedStrictness() {
		if !seen.first(d.Restore.Node) {
			continue
		}
		cause, related, severity := "After the strict load fails, the checkpoint is loaded with strict=False", diagnostics.Related{}, diagnostics.Warning
		if d.Told > training.ToldNothing {
			severity = diagnostics.Information // it says that something did not fit, and not what
		}
		if d.Failed != nil {
			related = at(d.Failed.Node, "the strict load that fails first")
		} else {
			cause = fmt.Sprintf("A comparison of versions (`%s`) leads to strict=False", shortened(d.Version))
			related = at(d.Version, "the versions are compared here")
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(d.Restore.Node), Severity: severity,
			Message: fmt.Sprintf("%s, and nobody sees which keys did not match. What is missing keeps its initial values in `%s`.",
				cause, d.Restore.Recv.Text()),
			Related: []diagnostics.Related{related},
		})
	}
}
