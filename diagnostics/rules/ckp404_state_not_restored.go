package rules

import (
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP404 state-not-restored
//
// # What it does
//
// Reports a load from which training resumes and which leaves a saved state in the file: an optimizer, scheduler, gradient
// scaler or averaged model whose key is never read, a variable that the rounds of the training hand on, or the epoch when
// nothing says how far the run had come. The same of a class: a count that its `state_dict` gives and its `load_state_dict` leaves. And a variable in
// the file, or in the notes beside it (JSON, YAML), that only some rounds of the training work out: the first save after a resume has none.
//
// # Why it matters
//
// What is not restored starts over: momentum buffers and moment estimates from zero, a schedule from its beginning, the
// epoch count from the first epoch. The resumed run differs from one that was not interrupted, without any error. A loss scale is
// found again within a few steps: of a scaler it is information, and so of the epoch where the loop counts from a number in the code,
// `range(epochs)`, and the file is another than the one that is written: it may be meant to begin afresh.
//
// # Example
//
//	import torch
//	from model import Net, loader, evaluate
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	    }, "last.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, loader, evaluate
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	    }, "last.pt")
//
// # Fix safety
//
// The fix is safe: it restores the state under its key, after the model, if the file has it. There is no automatic fix for
// an epoch that is not read.
//
// # What it does not see
//
// Checkpoints that are passed to functions of other files, or whose keys are iterated, are taken to be restored there.
//
// # Related rules
//
// `missing-optimizer-state`, `missing-scheduler-state`, `rng-not-restored`, `best-reset-on-resume`, `restored-then-rebuilt`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP404", Name: "state-not-restored", Summary: "A state is saved in the checkpoint and never restored on resume",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  stateNotRestored,
})

func stateNotRestored(p *diagnostics.Pass) {
	for _, c := range p.File.ClassStates() {
		for _, x := range c.Dropped() {
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(c.Take.Node),
				Message: fmt.Sprintf("`%s`, which counts on as the program runs, is given under %q by `state_dict` and never taken back here. After resuming, it starts over.",
					x.Value.Node.Text(), x.Key),
				Related: []diagnostics.Related{at(x.Pair, "it is given here")},
			})
		}
	}
	for _, r := range p.File.Resumptions() {
		for _, c := range r.Unrestored() {
			message, remedy := notRestored(r, c)
			if message == "" {
				continue
			}
			d := diagnostics.Diagnostic{Place: training.FirstLine(r.Load.Node), Severity: gravity(r, c), Message: message, Related: []diagnostics.Related{at(c.Entry.Pair, "it is saved here")}}
			if remedy != nil {
				d.Remedies = []diagnostics.Remedy{remedy}
			}
			p.Report(d)
		}
		for _, c := range r.Restarted() {
			d := diagnostics.Diagnostic{
				Place: training.FirstLine(r.Load.Node),
				Message: fmt.Sprintf("`%s`, which each iteration passes on to the next, is saved under %q and never read here. After resuming, it starts over.",
					c.Name, c.Key),
				Related: []diagnostics.Related{at(c.Entry.Pair, "it is saved here"), at(c.Begun, "it begins here"), at(c.Updated, "it is updated here")},
			}
			if r.Load.Ctx == r.Save.Loop.Outer().Ctx {
				d.Remedies = []diagnostics.Remedy{diagnostics.RestoreState{Load: r.Load, Key: c.Key, Target: c.Name}}
			}
			p.Report(d)
		}
	}
	for _, r := range p.File.Continued() {
		for _, c := range r.Unset() {
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(c.Read),
				Message: fmt.Sprintf("`%s`, which only some rounds work out, is saved under %q and never read here. A resumed run that saves before it works it out has none, and fails with NameError.",
					c.Name, c.Key),
				Related: []diagnostics.Related{at(c.Use, "it is saved here"), at(c.Set, "it is worked out here")},
			})
		}
		for _, c := range r.LeftOut() {
			message, _ := notRestored(r, c.Component)
			if message == "" {
				continue
			}
			p.Report(diagnostics.Diagnostic{
				Place:    training.FirstLine(c.Call),
				Severity: gravity(r, c.Component),
				Message:  strings.Replace(message, "never restored here", "not passed to what would restore it", 1),
				Related:  []diagnostics.Related{at(c.Entry.Pair, "it is saved here"), at(r.Load.Node, "the checkpoint is loaded here")},
			})
		}
	}
}

// gravity is the severity of what is lost: a loss scale is found again within a few steps, and a loop that counts from a number in
// the code may be meant to begin afresh, with what another run wrote.
func gravity(r training.Resumption, c training.Component) diagnostics.Severity {
	if c.Object != nil && c.Object.Kind == training.Scaler || c.Role == training.RoleProgress && r.Save.Afresh() && !r.Save.Writes(r.Load.Path) {
		return diagnostics.Information
	}
	return diagnostics.Warning
}

// notRestored says what is lost when a component stays in the file, and what would restore it; "" for components whose loss
// is nobody's concern or another rule's.
func notRestored(r training.Resumption, c training.Component) (string, diagnostics.Remedy) {
	switch {
	case c.Role == training.RoleState && c.Object != nil:
		loss := ""
		switch c.Object.Kind {
		case training.Optimizer:
			loss = optimizerLoss(r, c.Object)("its")
		case training.Scheduler:
			loss = "after resuming, the schedule starts from its beginning"
		case training.Scaler:
			loss = "after resuming, its loss scale starts from the initial value"
		case training.Averaged:
			loss = "after resuming, the average starts from the current weights"
		default:
			return "", nil
		}
		if c.Object.Guessed && !lives(r.Save, c.Object) {
			return "", nil
		}
		return fmt.Sprintf("`%s` is saved under %q and never restored here. %s.", c.Object.Name, c.Key, sentence(loss)),
			diagnostics.RestoreState{Load: r.Load, Key: c.Key, Object: c.Object}
	case c.Role == training.RoleProgress && !r.Load.ReadsProgress() && r.Load.RestoresKind(training.Optimizer):
		return fmt.Sprintf("The checkpoint holds its progress under %q, which is never read here. The resumed run starts counting at the beginning.", c.Key), nil
	}
	return "", nil
}

// lives says that an object steps in the training the save belongs to.
func lives(s *training.SaveSite, o *training.Object) bool {
	for _, st := range s.Live(o.Kind) {
		if st.Object.Same(o) {
			return true
		}
	}
	return false
}
