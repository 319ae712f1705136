package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP103 missing-scaler-state
//
// # What it does
//
// Reports a checkpoint that training resumes from and that lacks the state of a gradient scaler which is in use.
//
// # Why it matters
//
// The resumed run starts again from the scaler's initial scale (65536 unless stated). If the scale has moved since, the run
// differs: too high a scale overflows and skips steps until it has come down again. It comes down within a few steps, which is why
// the severity is information.
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	model = Net().cuda()
//	optimizer = torch.optim.AdamW(model.parameters())
//	scaler = torch.amp.GradScaler("cuda")
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        scaler.scale(model(x).loss(y)).backward()
//	        scaler.step(optimizer)
//	        scaler.update()
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	    }, "last.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, loader
//
//	model = Net().cuda()
//	optimizer = torch.optim.AdamW(model.parameters())
//	scaler = torch.amp.GradScaler("cuda")
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	scaler.load_state_dict(checkpoint["scaler"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        scaler.scale(model(x).loss(y)).backward()
//	        scaler.step(optimizer)
//	        scaler.update()
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	        "scaler": scaler.state_dict(),
//	    }, "last.pt")
//
// # Fix safety
//
// The fix is safe: it adds the state to the dict, under a name that is known to have a value there, and
// restores it where the file is loaded, even in another file, if the checkpoint has it. An object that an option leaves out is saved
// and restored under that option; a function that has no name for it gets it as an argument. The fix is unsafe, and says why, where no load that
// could restore the state is found, and for apex, whose
// loss scale can be restored only after `amp.initialize`.
//
// # What it does not see
//
// Scalers built in other files, or hidden in training frameworks. A scaler built with `enabled=False` is not reported; one
// whose `enabled` is decided at run time is.
//
// # Related rules
//
// `missing-optimizer-state`, `state-not-restored`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/notes/amp_examples.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP103", Name: "missing-scaler-state", Summary: "A training checkpoint lacks the gradient scaler's state",
	Severity: diagnostics.Warning, Also: []diagnostics.Severity{diagnostics.Information}, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run:     missingScalerState,
})

func missingScalerState(p *diagnostics.Pass) {
	for _, r := range p.File.WithClasses() {
		if !r.Save.HasKind(training.Optimizer) && r.Evidence != training.FromLoadPath {
			continue
		}
		for _, step := range r.Save.Live(training.Scaler) {
			o := step.Object
			if r.Save.SavedNearby(o) || r.Save.HasKind(training.Scaler) || disabledScaler(p, o) {
				continue
			}
			p.Report(diagnostics.Diagnostic{
				Place:    r.Save.AnchorFor(o),
				Severity: proven(r, diagnostics.Warning),
				Message: fmt.Sprintf("%s is %s. After resuming, its loss scale starts again from the initial value.",
					described(o), notIn(r)),
				Related:  append(loadedHere(r.Load), at(step.Node, "the scaler works here")),
				Remedies: completing(r, o),
			})
		}
	}
}

// disabledScaler says that a scaler is built switched off, or for a number format that needs none.
func disabledScaler(p *diagnostics.Pass, o *training.Object) bool {
	if !o.Call.Valid() {
		return false
	}
	n, ok := pysem.Args(o.Call).Keyword["enabled"]
	if !ok {
		return false
	}
	v := p.File.Eval.Eval(n, o.Ctx)
	if t, known := v.Truth(); known && !t {
		return true
	}
	// enabled=(dtype == "float16") with dtype a constant
	if v.Kind == pysem.Compare && v.Name == "==" {
		a, okA := v.Base.Text()
		b, okB := v.Other.Text()
		return okA && okB && a != b
	}
	return false
}
