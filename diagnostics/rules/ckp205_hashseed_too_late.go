package rules

import (
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP205 hashseed-too-late
//
// # What it does
//
// Reports a program that sets `PYTHONHASHSEED` in its own environment.
//
// # Why it matters
//
// Python reads the variable once, when it starts. Set later, it changes nothing in the running process: `hash("a")` and the
// order of sets of strings still differ from run to run. It reaches only interpreters that the process starts.
//
// # Example
//
//	import os
//	import torch
//
//	os.environ["PYTHONHASHSEED"] = "0"
//	torch.manual_seed(0)
//
// # Use instead
//
//	import torch
//
//	# Start with: PYTHONHASHSEED=0 python train.py
//	torch.manual_seed(0)
//
// # Fix safety
//
// There is no automatic fix: the variable belongs in the command, the job script or the container that starts Python. Often
// nothing depends on it, and the line can go.
//
// # What it does not see
//
// It keeps silent in a file that starts other interpreters (subprocess, os.exec, torch.multiprocessing), because there the
// setting may be meant for them.
//
// # Related rules
//
// `set-order`, `no-seed`
//
// # References
//
//   - https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP205", Name: "hashseed-too-late", Summary: "PYTHONHASHSEED is set when Python has already started",
	Severity: diagnostics.Information, Since: "0.1.0",
	Run: hashseedTooLate,
})

func hashseedTooLate(p *diagnostics.Pass) {
	settings := p.File.EnvironmentSettings("PYTHONHASHSEED")
	if len(settings) == 0 || p.File.StartsInterpreters() {
		return
	}
	for _, n := range settings {
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(n),
			Message: "`PYTHONHASHSEED` has no effect here: Python reads it when it starts. " +
				"Set it in the environment of the command, as `PYTHONHASHSEED=0 python train.py`.",
		})
	}
}
