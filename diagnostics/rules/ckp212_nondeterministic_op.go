package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP212 nondeterministic-op
//
// # What it does
//
// Reports operations of a model that torch documents as nondeterministic on CUDA, in a program that asks for determinism. It
// separates those that raise an error from those that just differ from run to run.
//
// # Why it matters
//
// `torch.use_deterministic_algorithms(True)` makes many operations deterministic and raises in those that have no such form,
// often in the backward pass of the first batch. `cudnn.deterministic = True` reaches cuDNN's operations only: the others keep
// adding in an order that changes, and two runs with one seed drift apart.
//
// # Example
//
//	import torch
//	from torch import nn
//
//	torch.use_deterministic_algorithms(True)
//	model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Upsample(scale_factor=2, mode="bilinear")).cuda()
//
// # Use instead
//
//	import torch
//	from torch import nn
//
//	torch.use_deterministic_algorithms(True)
//	model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Upsample(scale_factor=2, mode="nearest")).cuda()
//
// # Fix safety
//
// There is no automatic fix: another operation is another model. `warn_only=True` lets the program go on, with a warning and
// without the promise.
//
// # What it does not see
//
// Operations that other libraries use, and those whose behaviour hangs on what the code does not show: `NLLLoss` and
// `CrossEntropyLoss` raise for images only. A pooling to size 1 is free of it, because torch takes the mean. Code that runs
// without gradients is not told apart, except functions that only evaluate and layers whose results are only printed.
//
// # Related rules
//
// `not-deterministic`, `missing-cublas-config`, `nondeterministic-cudnn`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP212", Name: "nondeterministic-op", Summary: "An operation is nondeterministic on CUDA where determinism is asked for",
	Severity: diagnostics.Information, Since: "0.1.0",
	Run: nondeterministicOp,
})

func nondeterministicOp(p *diagnostics.Pass) {
	if p.File.Test() || !p.File.SpeaksOfCUDA() {
		return
	}
	reported := map[pyast.Node]bool{}
	for _, r := range p.File.Runs {
		request, ok := strictest(r)
		if !ok {
			continue
		}
		for _, op := range r.UnstableOps() {
			message := opMessage(op, request)
			if message == "" || reported[op.Call] {
				continue
			}
			reported[op.Call] = true
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(op.Call), Message: message,
				Related: []diagnostics.Related{at(request.Event.Node, "determinism is asked for here")},
			})
		}
	}
}

// strictest is the request for determinism of a run that goes furthest.
func strictest(r *training.Run) (training.Switch, bool) {
	var best training.Switch
	found := false
	for _, s := range r.Switches() {
		if s.Knob == training.Benchmark || !s.Known || !s.On {
			continue
		}
		if !found || s.Knob > best.Knob || s.Knob == best.Knob && best.WarnsOnly() && !s.WarnsOnly() {
			best, found = s, true
		}
	}
	return best, found
}

// opMessage says what an operation does under a request, "" where it is deterministic.
func opMessage(op training.UnstableOp, request training.Switch) string {
	what := "`" + op.Call.Child(pyast.FieldFunction).Text() + "`"
	if op.Argument != "" {
		what += " with `" + op.Argument + "`"
	}
	pass := ""
	if op.Backward {
		pass = " in its backward pass"
	}
	switch {
	case request.Knob == training.CudnnDeterministic && op.Raises:
		return fmt.Sprintf("%s is nondeterministic on CUDA%s, and `cudnn.deterministic` does not reach it.", what, pass)
	case request.Knob == training.CudnnDeterministic:
		return fmt.Sprintf("%s is nondeterministic on CUDA, and `cudnn.deterministic` does not reach it; `torch.use_deterministic_algorithms(True)` does.", what)
	case !op.Raises:
		return ""
	case request.WarnsOnly():
		return fmt.Sprintf("%s has no deterministic form on CUDA. It warns%s and can differ from run to run.", what, pass)
	}
	return fmt.Sprintf("%s has no deterministic form on CUDA. Under `use_deterministic_algorithms(True)` it raises an error%s.", what, pass)
}
