package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP412 unvalidated-resume
//
// # What it does
//
// Reports a resume that reads a metric from the checkpoint and goes on training without measuring the restored model. It is off
// by default: select it for runs that are dear enough.
//
// # Why it matters
//
// A restore that went wrong in silence, with `strict=False` or a changed architecture, shows as a metric that is not what it was
// when the checkpoint was written. After another epoch of training it cannot be told any more.
//
// # Example
//
//	import torch
//	from model import Net, loader, validate
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	val_acc = checkpoint["val_acc"]
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    val_acc = validate(model)
//	    torch.save({"epoch": epoch, "val_acc": val_acc, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
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
//	val_acc = checkpoint["val_acc"]
//	print("val_acc of the restored model:", validate(model), "when it was saved:", checkpoint["val_acc"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    val_acc = validate(model)
//	    torch.save({"epoch": epoch, "val_acc": val_acc, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
//
// # Fix safety
//
// The fix measures the restored model as the loop does and prints both figures. It is unsafe: the start takes longer, and a
// validation that draws random numbers moves the generators, so that the resumed run draws others.
//
// # What it does not see
//
// Metrics that are computed within the training loop, or in a function whose name does not say so.
//
// # Related rules
//
// `unverified-save`, `missing-mode-after-load`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP412", Name: "unvalidated-resume", Summary: "Nothing checks that the restored model reaches the restored metric",
	Severity: diagnostics.Off, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  unvalidatedResume,
})

func unvalidatedResume(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	places := once{}
	for _, u := range p.File.Unvalidated() {
		if !places.first(u.Load.Node) {
			continue
		}
		d := diagnostics.Diagnostic{
			Place:    training.FirstLine(u.Load.Node),
			Severity: diagnostics.Information,
			Message: fmt.Sprintf("`%s` is restored from this checkpoint, and the model is measured only after another epoch: a failed restore goes unnoticed.",
				u.Read.Key),
			Related: []diagnostics.Related{at(u.Read.Node, "the metric is read here"), at(u.Metric.Node, "the model is measured here")},
		}
		if stmt := u.MeasureHere(); stmt.Valid() {
			d.Remedies = []diagnostics.Remedy{diagnostics.MeasureRestored{After: stmt, Name: u.Metric.Name, Call: u.Call, Saved: u.Read.Node}}
		}
		p.Report(d)
	}
}
