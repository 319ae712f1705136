package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP416 resume-from-best
//
// # What it does
//
// Reports a resume of model, optimizer and epoch from the best checkpoint in a program that writes the last one too.
//
// # Why it matters
//
// All that was trained since the best epoch is thrown away and trained again. Each interruption costs those epochs, and a run
// that is interrupted more often than it improves does not get on.
//
// # Example
//
//	import torch
//	from model import Net, loader, validate
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	checkpoint = torch.load("best.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	best = checkpoint["best"]
//	for epoch in range(checkpoint["epoch"] + 1, 90):
//	    for x, y in loader:
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    accuracy = validate(model)
//	    state = {"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "best": max(best, accuracy)}
//	    torch.save(state, "last.pt")
//	    if accuracy > best:
//	        best = accuracy
//	        torch.save(state, "best.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, loader, validate
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	best = checkpoint["best"]
//	for epoch in range(checkpoint["epoch"] + 1, 90):
//	    for x, y in loader:
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    accuracy = validate(model)
//	    state = {"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "best": max(best, accuracy)}
//	    torch.save(state, "last.pt")
//	    if accuracy > best:
//	        best = accuracy
//	        torch.save(state, "best.pt")
//
// # Fix safety
//
// The fix loads the last file instead, where its name is written out at both places. It is unsafe: going back to the best epoch
// may be meant.
//
// # What it does not see
//
// It is silent where the user names the file, where another load of the file resumes from anything else, where training goes
// back to the best while it runs, and where only the weights are loaded.
//
// # Related rules
//
// `no-last-checkpoint`, `no-best-checkpoint`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP416", Name: "resume-from-best", Summary: "Training resumes from the best checkpoint, not from the last",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: resumeFromBest,
})

func resumeFromBest(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	seen := once{}
	for _, r := range p.File.ResumesFromBest() {
		if !seen.first(r.Load.Node) {
			continue
		}
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(r.Load.Node),
			Message: fmt.Sprintf("Training resumes from the best checkpoint (%s), although the last one (%s) is written too. What was trained since the "+
				"best epoch is lost.", shown(r.Load.Path), shown(r.Last.Path)),
			Related: savedHere(r.Last),
		}
		if from, to := r.Load.Path.Node, r.Last.Path.Node; from.Kind() == pyast.KindString && to.Kind() == pyast.KindString {
			if name, ok := r.Last.Path.Value.Text(); ok {
				d.Remedies = []diagnostics.Remedy{diagnostics.Assign{
					Title: fmt.Sprintf("Resume from `%s`", name), Value: from, New: to.Text(), Reason: "going back to the best epoch may be intended",
				}}
			}
		}
		p.Report(d)
	}
}
