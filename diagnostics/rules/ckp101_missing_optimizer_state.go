package rules

import (
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP101 missing-optimizer-state
//
// # What it does
//
// Reports a checkpoint that training resumes from and that lacks the state of an optimizer that has state to lose.
// That training resumes is shown by the file's name, by what is read from it, or by what the program says: an option, its help text
// or a condition that speaks of resuming or continuing. Then a bare state dict, or a whole model, is a checkpoint too.
// A library's object that saves what is registered with it (speechbrain, ignite, MONAI, fvcore, detectron2), or one of a class of the program,
// is asked the same.
//
// # Why it matters
//
// The resumed run builds a new optimizer. Its momentum buffers (SGD) or moment estimates (Adam and relatives) start from
// zero again, and where a scheduler of its own count had changed the learning rate, it is the one the optimizer is built with. From
// the second step on the parameters differ from those of the run that was not interrupted. Plain SGD without momentum keeps nothing, and is not reported.
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	start_epoch = checkpoint["epoch"] + 1
//	for epoch in range(start_epoch, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        torch.nn.functional.cross_entropy(model(x), y).backward()
//	        optimizer.step()
//	    torch.save({"epoch": epoch, "model": model.state_dict()}, "last.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	start_epoch = checkpoint["epoch"] + 1
//	for epoch in range(start_epoch, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        torch.nn.functional.cross_entropy(model(x), y).backward()
//	        optimizer.step()
//	    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
//
// # Fix safety
//
// The fix is safe: it adds the optimizer's state to the dict, under a name that is known to have a value there, and
// restores it where the file is loaded, even in another file, if the checkpoint has it. An object that an option leaves out is saved
// and restored under that option; a function that has no name for it gets it as an argument. The fix is unsafe, and says why, where no load that
// could restore the state is found.
//
// # What it does not see
//
// Optimizers and loads in other files; payloads built by code that cannot be followed (callbacks, `**kwargs`). Without a
// load in the file the severity is information: the payload only suggests that training resumes. A model that is saved with its
// epoch alone, in a program that takes nothing but weights back, suggests nothing. Where whoever starts the
// training may name the file that is loaded into the model, it is information too.
//
// # Related rules
//
// `missing-scheduler-state`, `missing-scaler-state`, `missing-model-state`, `state-not-restored`, `sharded-optimizer-save`, `trainer-model-only`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP101", Name: "missing-optimizer-state", Summary: "A training checkpoint lacks the optimizer's state",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information}, FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run: missingOptimizerState,
})

func missingOptimizerState(p *diagnostics.Pass) {
	for _, l := range p.File.LostStates() {
		if l.Object.Kind == training.Optimizer && !p.File.Test() {
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(l.Call),
				Message: fmt.Sprintf("This `state_dict` drops the state of %s and returns `None`. What is saved of it is nothing, and a resumed run cannot restore it.",
					described(l.Object, "momentum")),
			})
		}
	}
	for _, r := range p.File.WithClasses() {
		var missing []lacking
		for _, step := range r.Save.Live(training.Optimizer) {
			o, known := stateful(p, step)
			if o == nil || slices.ContainsFunc(step.Ways(), r.Save.SavedNearby) {
				continue
			}
			severity := proven(r, diagnostics.Warning)
			if !known && o.Guessed && r.Evidence != training.FromLoadPath {
				continue
			}
			what, loss := described(o, "momentum"), optimizerLoss(r, o)
			if slices.ContainsFunc(step.Ways(), func(w *training.Object) bool { return shortClass(w) != shortClass(o) }) {
				what, loss = "`"+o.Name+"`", stateLoss // an option decides which optimizer it is
			}
			missing = append(missing, lacking{diagnostics.Diagnostic{
				Place:    r.Save.AnchorFor(o),
				Severity: severity,
				Related:  append(loadedHere(r.Load), at(step.Node, "the optimizer steps here")),
				Remedies: completing(r, o),
			}, what, notIn(r), loss})
		}
		reportLacking(p, missing)
	}
}

// stateful is the first of the optimizers that may step which has state to lose, nil when none has; known says that its class
// tells.
func stateful(p *diagnostics.Pass, step *training.Step) (o *training.Object, known bool) {
	for _, o := range step.Ways() {
		if state, known := p.File.HasStateToLose(o); state || !known {
			return o, known
		}
	}
	return nil, true
}

// stateLoss says it of an optimizer whose class is not known.
func stateLoss(its string) string {
	return "after resuming, " + its + " internal state starts from zero"
}

// optimizerLoss says what a resumed run loses, of "its" or "their" state.
func optimizerLoss(r training.Resumption, o *training.Object) func(its string) string {
	state := "moment estimates start"
	switch shortClass(o) {
	case "SGD":
		state = "momentum buffers start"
	case "":
		return stateLoss
	}
	rate := r.RateRestarts(o)
	return func(its string) string {
		loss := "after resuming, " + its + " " + state + " from zero"
		switch {
		case rate && its == "its":
			loss += " and its learning rate from the initial value"
		case rate:
			loss += " and their learning rates from the initial values"
		}
		return loss
	}
}
