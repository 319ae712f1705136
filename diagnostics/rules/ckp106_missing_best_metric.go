package rules

import (
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP106 missing-best-metric
//
// # What it does
//
// Reports a checkpoint that training resumes from and that lacks the best metric so far, although that metric decides which
// checkpoint is kept as the best. Where the best checkpoint lacks it as the regular one does, the regular one is reported.
//
// # Why it matters
//
// The resumed run starts with the initial value of the metric. The first epoch after the resume is the best so far,
// whatever it scores, and overwrites the best checkpoint of the first run.
//
// # Example
//
//	import torch
//	from model import Net, loader, evaluate
//
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	best_acc = 0.0
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    acc = evaluate(model)
//	    if acc > best_acc:
//	        best_acc = acc
//	        torch.save(model.state_dict(), "best.pt")
//	    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, loader, evaluate
//
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	best_acc = 0.0
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	best_acc = checkpoint["best_acc"]
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    acc = evaluate(model)
//	    if acc > best_acc:
//	        best_acc = acc
//	        torch.save(model.state_dict(), "best.pt")
//	    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "best_acc": float(best_acc)}, "last.pt")
//
// # Fix safety
//
// The fix is safe: it adds `float(best)` to the dict, which `weights_only=True` loads, and restores it where the file is
// loaded if the file has it. A save before the comparison stores what that will find, `max(best, acc)`. The fix is unsafe where the
// metric is not known there yet, and where nothing restores it.
//
// # What it does not see
//
// Metrics kept in objects of other files, such as early-stopping helpers; a second best metric beside one that is saved. Files that
// only keep the best, and that nothing resumes from, are left alone.
//
// # Related rules
//
// `best-reset-on-resume`, `missing-early-stop-state`, `best-never-updated`, `no-best-checkpoint`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP106", Name: "missing-best-metric", Summary: "The best metric decides saves and is not in the checkpoint",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information}, FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run: missingBestMetric,
})

func missingBestMetric(p *diagnostics.Pass) {
	for _, r := range p.File.Checkpoints() {
		s := r.Save
		bare := s.Kind == training.PayloadState && r.Evidence == training.FromLoadPath
		if s.Kind != training.PayloadDict && !bare || holdsBest(p.File, s) || !s.HasKind(training.Optimizer) && !s.HoldsStates() && r.Evidence != training.FromLoadPath {
			continue
		}
		best := s.BestMetric()
		if best == nil || len(s.BestParts(best)) > 0 || s.Inside(training.RoleBest) || r.Load == nil && s.BestOnly() || bare && !s.BestStartsOver(best) {
			continue
		}
		if s.BestOnly() && slices.ContainsFunc(s.Companions(), func(o *training.SaveSite) bool {
			return o.Kind == s.Kind && !o.BestOnly() && !holdsBest(p.File, o) && o.HasKind(training.Optimizer) == s.HasKind(training.Optimizer)
		}) {
			continue // said of the checkpoint that is written all the time
		}
		if c, ok := s.RestoredFromCurrent(best, r.Load); ok {
			p.Report(diagnostics.Diagnostic{
				Place:    s.Anchor(),
				Severity: proven(r, diagnostics.Warning),
				Message: fmt.Sprintf("`%s` is not saved and is restored from `%s`, the metric of the epoch that was saved last. After resuming, an epoch that is better than that one overwrites the best checkpoint.",
					best.Name, c.Key),
				Related: append(loadedHere(r.Load), at(best.Assign, "the best metric is updated here")),
			})
			continue
		}
		if restored, _ := p.File.BestRestored(best); restored || s.EvaluatedFirst(best) {
			continue // from a metric that is saved under a name of its own, or by an evaluation of the restored weights
		}
		d := diagnostics.Diagnostic{
			Place:    s.Anchor(),
			Severity: proven(r, diagnostics.Warning),
			Message: fmt.Sprintf("`%s` decides which checkpoint is the best and is not saved. The first evaluation after a resume overwrites the best checkpoint, whatever it scores.",
				best.Name),
			Related: append(loadedHere(r.Load), at(best.Assign, "the best metric is updated here")),
		}
		if !bare {
			d.Remedies = []diagnostics.Remedy{diagnostics.CompleteCheckpoint{Save: s, Load: r.Load, Best: best.Name}}
		}
		if kept := p.File.DecidedBy(s, best.Name); len(kept) > 0 && !slices.ContainsFunc(kept, func(o *training.SaveSite) bool { return overwrites(p.File, o) }) {
			d.Severity = diagnostics.Information // what earlier runs kept may stay
			d.Message = fmt.Sprintf("`%s` decides which checkpoint is the best and is not saved. The first evaluation after a resume counts as the best, whatever it scores.", best.Name)
		}
		if site := training.WrongCall(s.Node, s.Ctx, savedWithBest(p.File, s)); site != s.Node {
			d.Place = training.FirstLine(site)
			d.Related = append(d.Related, at(s.Node, "the save, which another caller hands the best metric"))
			d.Remedies = nil // they would write what the helper is handed
		}
		p.Report(d)
	}
}

// overwrites says that a save may replace what was kept before: its file has the same name each time, or is loaded again.
func overwrites(f *training.File, s *training.SaveSite) bool {
	return len(s.Path.Progress) == 0 && !f.NewEachRun(s) || slices.ContainsFunc(f.EveryLoad(), func(l *training.LoadSite) bool { return s.Writes(l.Path) })
}

// savedWithBest are the contexts in which the helper that makes a save is handed a best metric, too.
func savedWithBest(f *training.File, s *training.SaveSite) []training.Right {
	var out []training.Right
	for _, o := range f.Saves() {
		if o.Node == s.Node && o.Ctx != s.Ctx && holdsBest(f, o) {
			out = append(out, training.Apart(o.Ctx, s.Ctx))
		}
	}
	return out
}

// holdsBest says that a best metric is in the payload, and not just a key for one that this caller leaves at None.
func holdsBest(f *training.File, s *training.SaveSite) bool {
	return slices.ContainsFunc(s.Components, func(c training.Component) bool {
		return c.Role == training.RoleBest && !f.LeftAtNone(c)
	})
}
