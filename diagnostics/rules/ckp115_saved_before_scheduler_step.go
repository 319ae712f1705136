package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP115 saved-before-scheduler-step
//
// # What it does
//
// Reports a checkpoint that is written before the scheduler's step() of the same epoch.
//
// # Why it matters
//
// The checkpoint holds the state of the scheduler before its step for the epoch that is done. A resumed run goes on with the
// next epoch and never makes that step: its learning rate stays one step behind for good. Adding one to the epoch does not
// repair that. A scheduler that is told the epoch, `step(epoch)`, comes right with the next epoch; the first one after a resume has
// the rate of the epoch before, which the optimizer's state holds (information).
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30)
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	scheduler.load_state_dict(checkpoint["scheduler"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	        "scheduler": scheduler.state_dict(),
//	    }, "last.pt")
//	    scheduler.step()
//
// # Use instead
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30)
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	scheduler.load_state_dict(checkpoint["scheduler"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    scheduler.step()
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	        "scheduler": scheduler.state_dict(),
//	    }, "last.pt")
//
// # Fix safety
//
// The fix moves the save after the step. It is unsafe because checkpoints written before it are still one step behind:
// call `scheduler.step()` once after loading one of those.
//
// # What it does not see
//
// Schedulers stepped in other files. Where the scheduler's state is not in the checkpoint the severity is information: the
// order begins to matter when it is added.
//
// # Related rules
//
// `missing-scheduler-state`, `resume-off-by-one`, `resume-skips-epoch`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP115", Name: "saved-before-scheduler-step", Summary: "The checkpoint is written before the epoch's scheduler.step()",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  savedBeforeSchedulerStep,
})

func savedBeforeSchedulerStep(p *diagnostics.Pass) {
	for _, r := range p.File.Resumptions() {
		s := r.Save
		if told := s.ToldAfter(); told != nil && restoresRate(r) && !s.StepsAfterLoad(r.Load, told.Object) {
			site := training.Leading(s.Node, s.Ctx, s.EpochLoop.Ctx) // the order is that of the loop
			if !site.Valid() {
				site = s.Node
			}
			p.Report(diagnostics.Diagnostic{
				Place:    training.FirstLine(site),
				Severity: diagnostics.Information,
				Message: fmt.Sprintf("The checkpoint is written before the scheduler `%s` is told that the epoch is over. A resumed run trains its first epoch with the learning rate of the one before.",
					told.Object.Name),
				Related: append([]diagnostics.Related{at(told.Node, "the scheduler is told here, after the save")}, loadedHere(r.Load)...),
			})
		}
		step := s.StepAfter()
		if step == nil || s.StepsAfterLoad(r.Load, step.Object) {
			continue
		}
		d := diagnostics.Diagnostic{
			Place:    s.Anchor(),
			Severity: proven(r, diagnostics.Warning),
			Message: fmt.Sprintf("The checkpoint is written before the epoch's `%s.step()`. A resumed run never makes that step, and its learning rate stays one step behind.",
				step.Object.Name),
			Related:  append([]diagnostics.Related{at(step.Node, "the scheduler steps here, after the save")}, loadedHere(r.Load)...),
			Remedies: []diagnostics.Remedy{diagnostics.SaveAfterStep{Save: s, Step: step}},
		}
		if site := training.WrongCall(s.Node, s.Ctx, savedBehindStep(p.File, s)); site != s.Node {
			d.Place = training.FirstLine(site)
			d.Related = append(d.Related, at(s.Node, "the save, which another caller makes after the step"))
		}
		if !s.Has(step.Object) {
			if p.File.FastForwarded(step.Object) {
				continue
			}
			d.Severity = diagnostics.Information
			d.Message = fmt.Sprintf("The checkpoint is written before the epoch's `%s.step()`. As soon as it holds the scheduler's state, a resumed run is one step behind.", step.Object.Name)
		}
		p.Report(d)
	}
}

// restoresRate reports whether a resumed run has its learning rate from the checkpoint: the optimizer's state is in it and restored.
func restoresRate(r training.Resumption) bool {
	return r.Save.HasKind(training.Optimizer) && r.Load != nil && r.Load.RestoresKind(training.Optimizer)
}

// savedBehindStep are the contexts in which the helper that makes a save is called in a training loop behind the step, or without one.
func savedBehindStep(f *training.File, s *training.SaveSite) []training.Right {
	var out []training.Right
	for _, o := range f.Saves() {
		if o.Node == s.Node && o.EpochLoop != nil && o.StepAfter() == nil {
			out = append(out, training.Apart(o.Ctx, s.Ctx))
		}
	}
	return out
}
