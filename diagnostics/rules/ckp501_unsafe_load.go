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
// Reports `torch.load` without `weights_only` on a checkpoint from outside: downloaded, named on the command line or in the
// environment, or by a caller. It is a warning for a file that the program downloads and information for one that the user names,
// where the project allows a torch from 1.13 to 2.5 and the file is certainly a state dict. Everything else is a hint.
//
// # Why it matters
//
// A checkpoint is a pickle. Before torch 2.6 `torch.load` unpickles everything in the file, and a crafted file runs any code.
// Since 2.6 `weights_only=True` is the default, and loads only tensors and plain values.
//
// A file of an earlier version, torch 1.10 say, is loaded by a newer one as far as it holds tensors and state dicts. Where it holds a pickled
// class that has moved or is gone, unpickling ends in "Can't get attribute"; where the program has renamed layers, `load_state_dict`
// names the missing and unexpected keys. `ckpt-lsp inspect` tells what a file holds without loading it, and its `--migrate` carries
// the weights over as safetensors.
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
// It is silent where the project requires torch 2.6 or later, or rules out 1.13, which brought the argument; on files that a
// caller names, where nothing states the version of torch; where `weights_only` is given (either value is a decision); inside
// `torch.serialization.safe_globals`; for a file that the same program writes or resumes from; and for whole modules and other
// data, which `weights_only=True` refuses or which no model takes.
//
// # Related rules
//
// `explicit-unsafe-load`, `unloadable-payload`
//
// # References
//
//   - https://ckpt-lsp.github.io/ckpt-lsp/old-checkpoints/
//   - https://docs.pytorch.org/docs/stable/generated/torch.load.html
//   - https://docs.pytorch.org/docs/stable/notes/serialization.html#weights-only
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP501", Name: "unsafe-load", Summary: "torch.load unpickles a file from outside without weights_only=True",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Warning, diagnostics.Hint}, FixAlso: []diagnostics.Applicability{diagnostics.Safe},
	Run: unsafeLoad,
})

// loadSeverity is how bad a load without weights_only is, by where the file comes from: with a torch known to be below 2.6 and with
// an unknown one, where the file is certainly a state dict and where it may be more.
var loadSeverity = map[training.Origin]struct{ old, unknown, oldMore, unknownMore diagnostics.Severity }{
	training.OriginUnknown:  {diagnostics.Hint, diagnostics.Off, diagnostics.Hint, diagnostics.Off},
	training.OriginConstant: {diagnostics.Hint, diagnostics.Hint, diagnostics.Off, diagnostics.Off},
	training.OriginCaller:   {diagnostics.Hint, diagnostics.Off, diagnostics.Hint, diagnostics.Off},
	training.OriginUser:     {diagnostics.Information, diagnostics.Hint, diagnostics.Hint, diagnostics.Hint},
	training.OriginDownload: {diagnostics.Warning, diagnostics.Hint, diagnostics.Information, diagnostics.Hint},
}

func unsafeLoad(p *diagnostics.Pass) {
	known := p.Torch.Before(2, 6)
	if p.File.Test() || p.Torch.Never(1, 13) || p.Torch.Major > 0 && !known {
		return
	}
	for _, l := range p.File.EveryLoad() {
		if n, hidden := l.WeightsOnly(); n.Valid() || hidden || l.Path.Buffer || l.AllowsGlobals() {
			continue
		}
		by, version := loadSeverity[l.Origin()], "Before 2.6 torch"
		if !l.BareState() {
			by.old, by.unknown = by.oldMore, by.unknownMore
		}
		severity := by.unknown
		if known {
			severity = by.old
			allows := "allows"
			if p.Torch.Never(p.Torch.Major, p.Torch.Minor+1) {
				allows = "pins"
			}
			version = fmt.Sprintf("Torch %d.%d, which this project %s,", p.Torch.Major, p.Torch.Minor, allows)
		}
		if severity == diagnostics.Off || !l.Checkpoint() || l.HoldsObject() && len(l.Reads) == 0 {
			continue
		}
		if p.Torch.Before(1, 13) || l.HoldsObject() {
			severity = min(severity, diagnostics.Hint)
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(l.Node), Severity: severity,
			Message: fmt.Sprintf("%s unpickles whatever `%s` holds, and a crafted file can run any code. Pass `weights_only=True`.",
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
