package rules

import (
	"fmt"
	"math"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP102 missing-scheduler-state
//
// # What it does
//
// Reports a checkpoint that training resumes from and that lacks the state of a learning-rate scheduler which is in use,
// or a learning rate that the program multiplies itself from decay to decay and writes into the optimizer.
//
// # Why it matters
//
// The resumed run builds a new scheduler, which counts from 0. When the optimizer is restored, the learning rate itself is
// right at first, because it is part of the optimizer's state; what goes wrong is what comes next. StepLR and MultiStepLR decay
// late, CosineAnnealingLR and PolynomialLR start again from the reduced rate, LinearLR and ConstantLR warm up again, LambdaLR,
// OneCycleLR, CyclicLR and CosineAnnealingWarmRestarts jump to the start of the schedule, ReduceLROnPlateau forgets its best
// value. When the optimizer is not restored either, the rate starts from its initial value. ExponentialLR and
// MultiplicativeLR on a restored optimizer stay exact and are not reported.
//
// Where the code states the numbers, the message computes the first epoch that differs, and the hover shows the rates.
//
// # Example
//
//	import torch
//	from model import Net, loader, evaluate
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
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
//	    }, "last.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, loader, evaluate
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
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
// The fix is safe: it adds the scheduler's state to the dict, under a name that is known to have a value there, and
// restores it where the file is loaded, even in another file, if the checkpoint has it. An object that an option leaves out is saved
// and restored under that option; a function that has no name for it gets it as an argument. The fix is unsafe, and says why, where no load that
// could restore the state is found, and where the save comes before
// the scheduler's step and the step cannot come first.
//
// # What it does not see
//
// Schedulers that find their place by themselves are left alone: stepped with an explicit epoch, built with `last_epoch`, stepped
// forward before training, working in the first epochs only, or reckoned from the epoch and written into `param_groups`. Schedulers built in other files are reported without numbers.
//
// # Related rules
//
// `missing-optimizer-state`, `saved-before-scheduler-step`, `state-not-restored`, `accelerate-unregistered-state`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP102", Name: "missing-scheduler-state", Summary: "A training checkpoint lacks the learning-rate scheduler's state",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run:     missingSchedulerState,
})

func missingSchedulerState(p *diagnostics.Pass) {
	for _, r := range p.File.WithClasses() {
		var missing []lacking
		for _, step := range r.Save.Live(training.Scheduler) {
			o := step.Object
			if r.Save.SavedNearby(o) || p.File.FastForwarded(o) || r.Load != nil && r.Load.Opaque {
				continue
			}
			if o.Guessed && !r.HandedBefore(step) {
				continue // made in another file, which may find its place from what it is handed
			}
			optimizer := r.Save.HasKind(training.Optimizer) && (r.Load == nil || r.Load.RestoresKind(training.Optimizer))
			loss, rates, exact := scheduleLoss(p, r, o, optimizer)
			if exact {
				continue
			}
			missing = append(missing, lacking{diagnostics.Diagnostic{
				Place:    r.Save.AnchorFor(o),
				Severity: proven(r, diagnostics.Warning),
				Detail:   rates,
				Related:  append(loadedHere(r.Load), at(step.Node, "the scheduler steps here")),
				Remedies: completing(r, o),
			}, described(o, torch.Parameters(o.Class)...), notIn(r), func(its string) string {
				if its == "their" {
					return strings.Replace(loss, "after resuming it ", "after resuming each ", 1)
				}
				return loss
			}})
		}
		reportLacking(p, missing)
		if r.Load == nil || r.Load.Opaque || r.Save.Afresh() && !r.Load.ReadsProgress() {
			continue // begins its count afresh, and its rate with it
		}
		for _, rate := range r.Save.CarriedRates() {
			p.Report(diagnostics.Diagnostic{
				Place:    r.Save.Anchor(),
				Severity: proven(r, diagnostics.Warning),
				Message: fmt.Sprintf("`%s` carries the learning rate from one decay to the next and is not saved in this checkpoint. After resuming, it starts again from its initial value, and the next decay is computed from that.",
					rate.Name),
				Related: append(loadedHere(r.Load), at(rate.Update, "it is multiplied here")),
			})
		}
	}
}

// scheduleLosses say what a scheduler that is built anew on a restored optimizer does (TRUTH: measured for each class).
var scheduleLosses = map[string]string{
	"StepLR":                      "after resuming it counts from 0 again, and later decays come late",
	"MultiStepLR":                 "after resuming it counts from 0 again, and later decays come late",
	"CosineAnnealingLR":           "after resuming it starts its cycle again from the reduced learning rate",
	"PolynomialLR":                "after resuming it starts its decay again from the reduced learning rate",
	"LinearLR":                    "after resuming it warms up again",
	"ConstantLR":                  "after resuming it warms up again",
	"ReduceLROnPlateau":           "after resuming it has forgotten the best metric and the number of bad epochs",
	"LambdaLR":                    "after resuming the learning rate jumps to the start of the schedule",
	"OneCycleLR":                  "after resuming the learning rate jumps to the start of the schedule",
	"CyclicLR":                    "after resuming the learning rate jumps to the start of the schedule",
	"CosineAnnealingWarmRestarts": "after resuming the learning rate jumps to the start of the schedule",
}

// scheduleLoss says what a resumed run does without the scheduler's state, with numbers where the code gives them, and a list
// for the hover. exact means that nothing changes: Exponential and Multiplicative schedules continue from the optimizer's rate.
func scheduleLoss(p *diagnostics.Pass, r training.Resumption, o *training.Object, optimizer bool) (loss, rates string, exact bool) {
	loss = scheduleLosses[shortClass(o)]
	if loss == "" {
		loss = "after resuming, the schedule starts from its beginning"
	}
	if !optimizer {
		loss = "after resuming, the schedule starts from its beginning"
		if r.Save.HasKind(training.Optimizer) {
			loss += ", and so does the learning rate, because the load leaves the optimizer's state in the file"
		}
	} else if c := shortClass(o); c == "ExponentialLR" || c == "MultiplicativeLR" {
		return "", "", true
	}
	s, base, ok := p.File.Schedule(o)
	if !ok || perBatch(r.Save, o) {
		return loss, "", false
	}
	const horizon = 200
	restored := torch.Restored{Optimizer: optimizer}
	differs := func(done int) bool {
		_, _, _, differ := torch.FirstDifference(s, base, done, horizon, restored)
		return differ && (optimizer || s.LR(base, done) != s.LR(base, 0))
	}
	done, ok := r.Save.SavedEpochs(differs)
	if !ok {
		return loss, "", false
	}
	epoch, want, got, _ := torch.FirstDifference(s, base, done, horizon, restored)
	switch {
	case epoch == done:
		loss = fmt.Sprintf("resumed after %s, epoch %d trains with a learning rate of %.4g instead of %.4g", epochs(done), epoch, got, want)
	default:
		loss = fmt.Sprintf("resumed after %s, the learning rate is right (%.4g, from the optimizer) until epoch %d, which gets %.4g instead of %.4g",
			epochs(done), s.LR(base, done), epoch, got, want)
		if late, ok := reaches(s, base, done, epoch, restored, want); ok {
			loss += fmt.Sprintf("; that decay comes at epoch %d", late)
		}
	}
	return loss, rateList(s, base, done, epoch, restored), false
}

func epochs(n int) string {
	if n == 1 {
		return "1 epoch"
	}
	return fmt.Sprintf("%d epochs", n)
}

// reaches is the first epoch in which the resumed run has the wanted rate.
func reaches(s torch.Schedule, base float64, done, from int, r torch.Restored, want float64) (int, bool) {
	for i, lr := range torch.Resumed(s, base, done, 300, r) {
		if done+i >= from && math.Abs(lr-want) < 1e-9*want {
			return done + i, true
		}
	}
	return 0, false
}

// rateList shows the rates around the resume and around the first difference, with and without the scheduler's state.
func rateList(s torch.Schedule, base float64, done, differs int, r torch.Restored) string {
	without := torch.Resumed(s, base, done, differs-done+3, r)
	full := torch.Resumed(s, base, done, differs-done+3, torch.Restored{Optimizer: true, Scheduler: true})
	text := fmt.Sprintf("Resumed after %s:\n", epochs(done))
	for i := range without {
		if math.IsNaN(full[i]) || math.IsNaN(without[i]) {
			break // behind the end of a schedule that has one torch raises
		}
		if e := done + i; e == done || e >= differs-1 {
			text += fmt.Sprintf("\n- epoch %d: %.6g with the scheduler's state, %.6g without", e, full[i], without[i])
		}
	}
	return text
}

// perBatch says that the scheduler steps in an inner loop, so that its count is not the epoch's.
func perBatch(s *training.SaveSite, o *training.Object) bool {
	for _, st := range s.Live(training.Scheduler) {
		if st.Object.Same(o) && s.EpochLoop != nil && !st.DirectlyIn(s.EpochLoop) {
			return true
		}
	}
	return s.EpochLoop == nil
}
