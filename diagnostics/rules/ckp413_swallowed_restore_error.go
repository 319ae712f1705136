package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP413 swallowed-restore-error
//
// # What it does
//
// Reports a handler for every exception (`except:`, `except Exception:`) around the restoring of a checkpoint that does no more
// than print, after which training goes on. Where training resumes from the file and all of the load stands under the handler, or it prints words
// of its own, it is a warning: what is printed is read when the run has gone on. Elsewhere it is information.
//
// # Why it matters
//
// The handler is meant for the first start, when there is no file. It also catches a file that is cut short, a key that is
// missing and a state that does not fit: the run starts over, or goes on half restored, and its next save replaces the checkpoint
// that could have been repaired.
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	start_epoch = 0
//	try:
//	    checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	    model.load_state_dict(checkpoint["model"])
//	    optimizer.load_state_dict(checkpoint["optimizer"])
//	    start_epoch = checkpoint["epoch"] + 1
//	except Exception:
//	    print("no checkpoint, starting over")
//	for epoch in range(start_epoch, 90):
//	    for x, y in loader:
//	        model(x).loss(y).backward()
//	        optimizer.step()
//
// # Use instead
//
//	import os
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	start_epoch = 0
//	if os.path.exists("last.pt"):
//	    checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	    model.load_state_dict(checkpoint["model"])
//	    optimizer.load_state_dict(checkpoint["optimizer"])
//	    start_epoch = checkpoint["epoch"] + 1
//	for epoch in range(start_epoch, 90):
//	    for x, y in loader:
//	        model(x).loss(y).backward()
//	        optimizer.step()
//
// # Fix safety
//
// There is no fix: which errors may be survived, and how, is for the author to say.
//
// # What it does not see
//
// It keeps silent about handlers for named exceptions, such as FileNotFoundError, and about those that raise, exit, return a
// flag, try another file or do anything else than print and set numbers.
//
// # Related rules
//
// `key-mismatch`, `swallowed-version-mismatch`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP413", Name: "swallowed-restore-error", Summary: "An error while restoring is caught and training starts over",
	Severity: diagnostics.Warning, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  swallowedRestoreError,
})

func swallowedRestoreError(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	for _, s := range p.File.SwallowedErrors() {
		what, severity := "printed", diagnostics.Information
		if s.Told == training.ToldNothing {
			what, severity = "ignored", diagnostics.Warning
		} else if s.Resumes && (s.Whole || s.Told == training.ToldWords) {
			severity = diagnostics.Warning // "no checkpoint, starting over", and it was damaged
		}
		consequence := "training starts over, or goes on half restored, as if there were no checkpoint."
		if !s.Resumes {
			consequence = "training goes on with initial weights."
		}
		message := "Whatever goes wrong while the checkpoint is restored is only " + what + " here. With a damaged file or a state that does not fit, " + consequence
		if !s.Weights && len(s.Names) > 0 {
			names := make([]string, len(s.Names))
			for i, name := range s.Names {
				names[i] = "`" + name + "`"
			}
			message = fmt.Sprintf("Whatever goes wrong while the state of %s is restored is only %s here. Where it does not fit, training goes on without it.", listed(names), what)
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(s.Handler), Severity: severity, Message: message,
			Related: []diagnostics.Related{at(s.Call.Node, "the checkpoint is restored here")},
		})
	}
}
