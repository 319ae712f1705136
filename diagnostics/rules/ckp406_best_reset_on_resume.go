package rules

import (
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP406 best-reset-on-resume
//
// # What it does
//
// Reports a resume after which the best metric has its initial value again, although the checkpoint holds it and it is never
// read; `restored-then-rebuilt` tells of one that is read and then reset. It also reports a checkpoint that is written before the
// evaluation of the same round updates the best metric in it, unless the same file is written again with the update.
//
// # Why it matters
//
// The first epoch after the resume is the best so far, whatever it scores, and overwrites the best checkpoint of the first
// run.
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
//	best_acc = 0.0
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    acc = evaluate(model)
//	    if acc > best_acc:
//	        best_acc = acc
//	        torch.save(model.state_dict(), "best.pt")
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	        "best_acc": float(best_acc),
//	    }, "last.pt")
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
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	        "best_acc": float(best_acc),
//	    }, "last.pt")
//
// # Fix safety
//
// The fix is safe: it restores the metric from the checkpoint, after its initial assignment, if the file has it.
//
// # What it does not see
//
// Metrics kept in objects of other files; values that come back from functions which load checkpoints. It is silent where the first round
// evaluates the restored weights, before an optimizer steps and without a save: the best is theirs again.
//
// # Related rules
//
// `missing-best-metric`, `missing-early-stop-state`, `state-not-restored`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP406", Name: "best-reset-on-resume", Summary: "The best metric is saved and starts over after a resume",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  bestResetOnResume,
})

func bestResetOnResume(p *diagnostics.Pass) {
	for _, r := range p.File.Resumptions() {
		if r.Load == nil || r.Load.Opaque {
			continue
		}
		best := r.Save.BestMetric()
		if best == nil {
			continue
		}
		restored, known := p.File.BestRestored(best)
		if restored {
			savedBeforeBest(p, r)
		}
		if restored || !known || r.Save.EvaluatedFirst(best) {
			continue
		}
		held := r.Save.BestParts(best)
		for _, c := range r.Save.Components {
			if c.Role != training.RoleBest && !slices.ContainsFunc(held, func(h training.Component) bool { return h.Key == c.Key && wholeMetric(h, best) }) || r.Load.Key(c.Key) && r.Load.Ctx.Func != best.Ctx.Func && r.Load.Run == r.Save.Run {
				continue // one that is read and handed on may come back
			}
			if slices.ContainsFunc(r.Save.Companions(), func(o *training.SaveSite) bool { return writesAnother(o, c.Key, best) }) {
				continue // what the load finds under the key depends on which of the files it reads
			}
			d := diagnostics.Diagnostic{
				Place: training.FirstLine(r.Load.Node),
				Message: fmt.Sprintf("`%s` is saved under %q and starts over here. The first epoch after a resume overwrites the best checkpoint, whatever it scores.",
					best.Name, c.Key),
				Related: []diagnostics.Related{at(c.Entry.Pair, "it is saved here"), at(best.Assign, "it is updated here")},
			}
			if !r.Load.Key(c.Key) {
				d.Remedies = []diagnostics.Remedy{diagnostics.RestoreState{Load: r.Load, Key: c.Key, Target: best.Name}}
			} else if slices.ContainsFunc(p.File.Rebuilt(), func(b training.Rebuilt) bool { return b.Name == best.Name }) {
				break // CKP407 says so where it is set
			}
			p.Report(d)
			break
		}
	}
}

// wholeMetric says that a part of the payload is the best metric itself, as a number perhaps, and not one value of several.
func wholeMetric(c training.Component, best *training.Best) bool {
	saved, updated := training.Taken(c.Entry.Value.Node), training.Taken(best.Assign.Child(pyast.FieldRight))
	return saved.TextIs(best.Name) || saved.TextIs(updated.Text())
}

// savedBeforeBest reports a checkpoint with a best metric that the evaluation of the same round is yet to update.
func savedBeforeBest(p *diagnostics.Pass, r training.Resumption) {
	best := r.Save.BestAfter()
	if best == nil || !holdsBest(p.File, r.Save) {
		return
	}
	severity := proven(r, diagnostics.Warning)
	if _, off := p.File.OnRequest(r.Save.Frame); off {
		severity = diagnostics.Information
	}
	p.Report(diagnostics.Diagnostic{
		Place:    r.Save.Anchor(),
		Severity: severity,
		Message: fmt.Sprintf("The checkpoint is written before the evaluation of the same round updates `%s`. A resumed run goes on with an older best, and a worse model can overwrite the best checkpoint.",
			best.Name),
		Related: append([]diagnostics.Related{at(best.Assign, "it is updated here, after the save")}, loadedHere(r.Load)...),
	})
}

// writesAnother says that a save writes something else than the best metric under a key.
func writesAnother(s *training.SaveSite, key string, best *training.Best) bool {
	return slices.ContainsFunc(s.Components, func(c training.Component) bool {
		return c.Key == key && c.Role != training.RoleBest && !slices.ContainsFunc(s.BestParts(best), func(h training.Component) bool { return h.Key == key })
	})
}
