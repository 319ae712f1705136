package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP403 resume-ignores-progress
//
// # What it does
//
// Reports an epoch loop that starts with its first round although the optimizer or scheduler is restored from a checkpoint and
// the epoch is read from it.
//
// # Why it matters
//
// The resumed run trains all its epochs again: a run of 90 epochs that stopped after 60 becomes one of 150. A schedule that
// counts epochs runs past its end, and files named by epoch are overwritten.
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
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	start_epoch = checkpoint["epoch"]
//	for epoch in range(90):
//	    for x, y in loader:
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({"epoch": epoch + 1, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
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
//	start_epoch = checkpoint["epoch"]
//	for epoch in range(start_epoch, 90):
//	    for x, y in loader:
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({"epoch": epoch + 1, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
//
// # Fix safety
//
// The fix starts the loop after the epoch that was completed last, as the save counts it. It is unsafe: a checkpoint of
// another program may count differently, and training that long again may have been the intention.
//
// # What it does not see
//
// It is silent where the epoch is used in the loop, for its end, or by a call other than one that prints it, where only the
// model is restored, and where a condition or function around the load speaks of finetuning.
//
// # Related rules
//
// `missing-progress`, `resume-off-by-one`, `state-not-restored`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP403", Name: "resume-ignores-progress", Summary: "The epoch is read from the checkpoint, and the loop starts over",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: resumeIgnoresProgress,
})

func resumeIgnoresProgress(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	seen := once{}
	for _, n := range p.File.NeverRead() {
		if !seen.first(n.Call) {
			continue
		}
		d := diagnostics.Diagnostic{
			Place:   training.FirstLine(n.Call),
			Message: fmt.Sprintf("This is a dict, which has no attribute `%s`, so `getattr` gives its default.", n.Name),
			Related: []diagnostics.Related{at(n.Written, "it is a key here")},
		}
		if n.Load != nil {
			d.Message += " After a resume the count starts from that."
			d.Related = append([]diagnostics.Related{at(n.Written, "it is saved as a key here")}, at(n.Load.Node, "training resumes from this file"))
		}
		p.Report(d)
	}
	for _, i := range p.File.IgnoredProgress() {
		if !seen.first(i.Loop.Node) {
			continue
		}
		use := "not used"
		switch {
		case i.Told:
			use = "only printed"
		case i.Along != "":
			use = fmt.Sprintf("`%s` only counts along", i.Along)
		}
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(i.Loop.Node),
			Message: fmt.Sprintf("The epoch is read from the checkpoint (%s) and %s. After a resume this loop runs all of its epochs again, "+
				"on top of those already done.", lineIn(p.File, i.Read, i.Loop.Node), use),
			Related: []diagnostics.Related{at(i.Read, "the epoch is read here"), at(i.Load.Node, "training resumes from this file")},
		}
		if i.From != "" {
			d.Remedies = []diagnostics.Remedy{startAt(i)}
		}
		p.Report(d)
	}
}

// startAt gives the loop's range another start.
func startAt(i training.Ignored) diagnostics.Assign {
	fix := diagnostics.Assign{Title: fmt.Sprintf("Start the loop at `%s`", i.From), Value: i.Loop.Start, New: i.From}
	if !fix.Value.Valid() {
		fix.Value, fix.New = i.Loop.Stop, i.From+", "+i.Loop.Stop.Text()
	}
	fix.Reason = "training all epochs again may be intended"
	if !i.Proven {
		fix.Reason = "what saved the checkpoint may count epochs differently"
	}
	return fix
}
