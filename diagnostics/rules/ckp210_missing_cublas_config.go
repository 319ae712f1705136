package rules

import (
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP210 missing-cublas-config
//
// # What it does
//
// Reports `torch.use_deterministic_algorithms(True)` in a file that has to do with CUDA and never sets
// `CUBLAS_WORKSPACE_CONFIG`, unless the project needs torch 2.10 or later.
//
// # Why it matters
//
// Below 2.10 torch takes matrix products on CUDA for nondeterministic unless the variable is `:4096:8` or `:16:8`: with
// deterministic algorithms asked for, the first `mm`, `mv` or `bmm` raises a RuntimeError, or warns with `warn_only=True`.
//
// # Example
//
//	import torch
//
//	torch.use_deterministic_algorithms(True)
//	model = torch.nn.Linear(4, 2).cuda()
//
// # Use instead
//
//	import os
//	import torch
//
//	os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
//	torch.use_deterministic_algorithms(True)
//	model = torch.nn.Linear(4, 2).cuda()
//
// # Fix safety
//
// The fix is unsafe: the setting counts only if nothing was computed on CUDA before it, and cuBLAS takes some more memory.
//
// # What it does not see
//
// A variable that the command, a job script or another file sets.
//
// # Related rules
//
// `not-deterministic`, `nondeterministic-op`
//
// # References
//
//   - https://docs.pytorch.org/docs/2.9/generated/torch.use_deterministic_algorithms.html
//   - https://github.com/pytorch/pytorch/pull/161749
//   - https://docs.nvidia.com/cuda/cublas/index.html#results-reproducibility
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP210", Name: "missing-cublas-config", Summary: "Deterministic algorithms are asked for without CUBLAS_WORKSPACE_CONFIG",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: missingCublasConfig,
})

func missingCublasConfig(p *diagnostics.Pass) {
	stated := p.Torch != diagnostics.TorchVersion{}
	if p.File.Test() || stated && !p.Torch.Before(2, 10) || p.File.CublasConfigured() || !p.File.SpeaksOfCUDA() {
		return
	}
	for _, r := range p.File.Runs {
		for _, s := range r.Requests() {
			effect := "raise an error"
			if s.WarnsOnly() {
				effect = "only warn, and may differ from run to run"
			}
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(s.Event.Node),
				Message: "`CUBLAS_WORKSPACE_CONFIG` is not set here: with torch below 2.10, matrix products on CUDA then " + effect +
					". Set it to `:4096:8` before anything runs on CUDA.",
				Remedies: []diagnostics.Remedy{diagnostics.SetEnvironment{Before: s.Event.Node, Name: training.CublasConfig, Value: ":4096:8"}},
			})
		}
	}
}
