package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP502 explicit-unsafe-load
//
// # What it does
//
// Reports `torch.load(..., weights_only=False)` on a file that comes from outside: named on the command line or in the
// environment, or downloaded. It is a warning for what the program downloads, else information, and so where `weights_only=True` was
// tried before.
//
// # Why it matters
//
// A checkpoint is a pickle. With `weights_only=False` `torch.load` unpickles everything in the file, and a crafted file runs
// any code with the rights of the user who loads it.
//
// # Example
//
//	import argparse
//	import torch
//	from model import Net
//
//	parser = argparse.ArgumentParser()
//	parser.add_argument("--weights")
//	args = parser.parse_args()
//	model = Net()
//	model.load_state_dict(torch.load(args.weights, map_location="cpu", weights_only=False))
//
// # Use instead
//
//	import argparse
//	import torch
//	from model import Net
//
//	parser = argparse.ArgumentParser()
//	parser.add_argument("--weights")
//	args = parser.parse_args()
//	model = Net()
//	model.load_state_dict(torch.load(args.weights, map_location="cpu", weights_only=True))
//
// # Fix safety
//
// The fix writes `weights_only=True`. It is unsafe: a file that holds more than tensors and plain values no longer loads.
// There is none where the program tried that first.
// Classes that are known to be harmless can be allowed by `torch.serialization.safe_globals`.
//
// # What it does not see
//
// It keeps silent about checkpoints from which training resumes, and about files that the same program writes: they are its own.
// It is silent where a comment above the load speaks of trust, and where only an unresolved caller knows the name. A
// load that does not give `weights_only` is what unsafe-load reports.
//
// # Related rules
//
// `unsafe-load`, `unloadable-payload`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/generated/torch.load.html
//   - https://docs.pytorch.org/docs/stable/notes/serialization.html#weights-only
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP502", Name: "explicit-unsafe-load", Summary: "weights_only=False unpickles a file from outside",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  explicitUnsafeLoad,
})

// outside says how the name of a file from outside comes into the program, and how bad that is: what the user names, with a False
// that the author wrote, is most often the user's own.
var outside = map[training.Origin]struct {
	whence   string
	severity diagnostics.Severity
}{
	training.OriginUser:     {"the user names this file", diagnostics.Information},
	training.OriginDownload: {"this file is downloaded", diagnostics.Warning},
}

func explicitUnsafeLoad(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	seen := once{}
	for _, l := range p.File.EveryLoad() {
		from, fromOutside := outside[l.Origin()]
		if !l.Trusting() || !fromOutside || l.Path.Buffer || l.Resumes() || l.Explained() || !seen.first(l.Node) {
			continue
		}
		argument, _ := l.WeightsOnly()
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(l.Node), Severity: from.severity,
			Message: fmt.Sprintf("`weights_only=%s` unpickles whatever `%s` holds, and a crafted file can run any code: %s.",
				argument.Text(), shortened(l.Path.Node), from.whence),
			Remedies: []diagnostics.Remedy{diagnostics.SetKeyword{
				Title: "Load with weights_only=True", Call: l.Node, Name: "weights_only", Value: "True",
				Reason: "a file that holds more than tensors and plain values, such as a module, a Namespace or numpy scalars, no longer loads",
			}},
		}
		if refused := l.Refused(); refused.Valid() {
			d.Severity, d.Remedies = min(d.Severity, diagnostics.Information), nil
			d.Related = []diagnostics.Related{at(refused, "weights_only=True is tried here first")}
		}
		p.Report(d)
	}
}
