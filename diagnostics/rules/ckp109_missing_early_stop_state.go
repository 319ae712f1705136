package rules

import (
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP109 missing-early-stop-state
//
// # What it does
//
// Reports a checkpoint that training resumes from and that lacks the count of epochs without improvement which decides when
// training stops: a counter of the loop, or an early-stopping object. So is a class that stops the training and inherits the
// method which gives its state, where that knows nothing of the class's own values.
//
// # Why it matters
//
// The resumed run counts from zero. It trains on for longer than the run that was not interrupted would have, up to the whole
// patience once more after every resume.
//
// # Example
//
//	import torch
//	from model import Net, loader, evaluate
//
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	best, bad_epochs = checkpoint["best"], 0
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    acc = evaluate(model)
//	    if acc > best:
//	        best = acc
//	        bad_epochs = 0
//	    else:
//	        bad_epochs += 1
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	        "best": float(best),
//	    }, "last.pt")
//	    if bad_epochs >= 10:
//	        break
//
// # Use instead
//
//	import torch
//	from model import Net, loader, evaluate
//
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	best, bad_epochs = checkpoint["best"], checkpoint["bad_epochs"]
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    acc = evaluate(model)
//	    if acc > best:
//	        best = acc
//	        bad_epochs = 0
//	    else:
//	        bad_epochs += 1
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	        "best": float(best),
//	        "bad_epochs": bad_epochs,
//	    }, "last.pt")
//	    if bad_epochs >= 10:
//	        break
//
// # Fix safety
//
// The fix is safe: it adds the counter to the dict, and restores it where the file is loaded if the file has it. For an object
// there is no fix: how to save it depends on its class.
//
// # What it does not see
//
// Counters kept by frameworks and callbacks. A checkpoint that is only written when the metric improves needs no counter: it
// is zero then.
//
// # Related rules
//
// `missing-best-metric`, `best-reset-on-resume`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP109", Name: "missing-early-stop-state", Summary: "A training checkpoint lacks the count that decides when training stops",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run:     missingEarlyStopState,
})

func missingEarlyStopState(p *diagnostics.Pass) {
	for _, r := range p.File.Resumptions() {
		s := r.Save
		if s.Kind != training.PayloadDict || r.Evidence != training.FromLoadPath && !s.HasKind(training.Optimizer) {
			continue
		}
		for _, x := range s.Patience() {
			d := diagnostics.Diagnostic{
				Place:    s.Anchor(),
				Severity: proven(r, diagnostics.Information),
				Message:  fmt.Sprintf("`%s` decides when training stops and is not saved in this checkpoint. After resuming, it starts over.", x.Name),
				Related:  append(loadedHere(r.Load), at(x.Count, "it counts here")),
			}
			if !x.Object && nameable(r, x) {
				d.Remedies = []diagnostics.Remedy{diagnostics.CompleteCheckpoint{Save: s, Load: r.Load, Counter: x.Name}}
			}
			p.Report(d)
		}
	}
	for _, c := range p.File.InheritedStates() {
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(c.Class.Node),
			Message: fmt.Sprintf("`%s` decides when training stops, and `%s`, which this class inherits, does not save it. After resuming, it starts over.",
				c.Attribute, c.Gives.Name),
			Related: []diagnostics.Related{at(c.Update, "it is carried on here"), at(c.Gives.Node, "the state is saved here")},
		})
	}
}

// nameable says that a counter goes by its name where the dict is made and where the file is loaded: in one function, or as an
// attribute in the methods of one class.
func nameable(r training.Resumption, x training.Patience) bool {
	made := x.Func.Module.Scope(r.Save.Dict.Literal)
	same, inClass := made == x.Func, made.Class != nil && made.Class == x.Func.Class
	if r.Load != nil {
		loads := r.Load.Ctx.Func
		same, inClass = same && loads == x.Func, inClass && loads.Class == x.Func.Class
	}
	return same || inClass && strings.HasPrefix(x.Name, "self.")
}
