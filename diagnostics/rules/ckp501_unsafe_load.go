package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP501 unsafe-load
//
// # What it does
//
// Reports `torch.load` without `weights_only` on a file that comes from outside: named on the command line, in the
// environment, or by a caller, or downloaded. Where the project states a torch below 2.6, it reports files named in the code too.
//
// # Why it matters
//
// A checkpoint is a pickle. Before torch 2.6 `torch.load` unpickles whatever the file holds, and a crafted file runs any code.
// Since 2.6 `weights_only=True` is the default, and loads only tensors and plain values.
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
//	model.load_state_dict(torch.load(args.weights, map_location="cpu"))
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
// The fix adds `weights_only=True`. It is safe where all that is loaded goes into `load_state_dict` as it is, so that the file
// can hold nothing but a state dict. Otherwise it is unsafe, because a file with other objects in it no longer loads.
//
// # What it does not see
//
// It keeps silent where the project requires torch 2.6 or later, where `weights_only` is given (either value is a decision),
// inside `torch.serialization.safe_globals`, and for a file that the same program writes.
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/generated/torch.load.html
//   - https://docs.pytorch.org/docs/stable/notes/serialization.html#weights-only
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP501", Name: "unsafe-load", Summary: "torch.load unpickles a file from outside without weights_only=True",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Run: unsafeLoad,
})

// loadSeverity is how bad a load without weights_only is, by where the file comes from: with a torch known to be below 2.6, and
// with an unknown torch.
var loadSeverity = map[training.Origin]struct{ old, unknown diagnostics.Severity }{
	training.OriginOwn:      {diagnostics.Off, diagnostics.Off},
	training.OriginConstant: {diagnostics.Warning, diagnostics.Information},
	training.OriginUnknown:  {diagnostics.Hint, diagnostics.Off},
	training.OriginCaller:   {diagnostics.Warning, diagnostics.Hint},
	training.OriginUser:     {diagnostics.Warning, diagnostics.Information},
	training.OriginDownload: {diagnostics.Warning, diagnostics.Information},
}

func unsafeLoad(p *diagnostics.Pass) {
	old := p.Torch.Before(2, 6)
	if p.File.Test() || p.Torch != (diagnostics.TorchVersion{}) && !old {
		return
	}
	for _, l := range p.File.EveryLoad() {
		if n, hidden := l.WeightsOnly(); n.Valid() || hidden || l.Path.Buffer || l.AllowsGlobals() {
			continue
		}
		by := loadSeverity[l.Origin()]
		severity, version := by.unknown, "Before 2.6 torch"
		if old {
			severity = by.old
			version = fmt.Sprintf("Torch %d.%d, which this project allows,", p.Torch.Major, p.Torch.Minor)
		}
		if severity == diagnostics.Off {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(l.Node), Severity: severity,
			Message: fmt.Sprintf("%s unpickles whatever `%s` holds, and a crafted file can run any code: pass `weights_only=True`.",
				version, shortened(l.Path.Node)),
			Remedies: []diagnostics.Remedy{weightsOnlyFix(p, l)},
		})
	}
}

func weightsOnlyFix(p *diagnostics.Pass, l *training.LoadSite) diagnostics.SetKeyword {
	fix := diagnostics.SetKeyword{Title: "Load with weights_only=True", Call: l.Node, Name: "weights_only", Value: "True"}
	switch {
	case p.Torch.Before(1, 13):
		fix.Reason = "torch before 1.13 does not know the argument"
	case l.BareState():
		fix.Safe = true
	default:
		fix.Reason = "a file that holds more than tensors and plain values no longer loads"
	}
	return fix
}
