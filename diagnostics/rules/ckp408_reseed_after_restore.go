package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP408 reseed-after-restore
//
// # What it does
//
// Reports a seed that is set after the generator's state was restored from a checkpoint, and, as information, one that is set
// after a load which restores the epoch and no generator.
//
// # Why it matters
//
// The seed throws the restored state away. With the same seed as at the first start, shuffling, dropout and augmentation of the
// resumed run repeat those of the first epochs: the model sees the same data in the same order again.
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	torch.set_rng_state(checkpoint["rng"])
//	torch.manual_seed(42)
//	for epoch in range(checkpoint["epoch"] + 1, 90):
//	    for x, y in loader:
//	        model(x).loss(y).backward()
//	        optimizer.step()
//
// # Use instead
//
//	import torch
//	from model import Net, loader
//
//	torch.manual_seed(42)
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	torch.set_rng_state(checkpoint["rng"])
//	for epoch in range(checkpoint["epoch"] + 1, 90):
//	    for x, y in loader:
//	        model(x).loss(y).backward()
//	        optimizer.step()
//
// # Fix safety
//
// The fix moves the seed before the restore, or adds the restored epoch to it. It is unsafe: what is built between the two
// places then draws different numbers.
//
// # What it does not see
//
// It keeps silent about seeds in the training loop, in worker processes, and about those that depend on the checkpoint. A seed
// before the load, without a restored generator, is what missing-rng-state reports at the save.
//
// # Related rules
//
// `rng-not-restored`, `restored-then-rebuilt`, `seed-after-use`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/notes/randomness.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP408", Name: "reseed-after-restore", Summary: "A seed is set after the generators were restored",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  reseedAfterRestore,
})

func reseedAfterRestore(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	seen := once{}
	for _, r := range p.File.Reseeds() {
		if !seen.first(r.SeedAt) {
			continue
		}
		if r.Restore != nil {
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(r.SeedAt),
				Message: fmt.Sprintf("The generator's state is restored at %s, and this seed overwrites it. The resumed run draws the "+
					"numbers of a new run.", lineIn(p.File, r.Restore.Node, r.SeedAt)),
				Related:  []diagnostics.Related{at(r.Restore.Node, "the state is restored here")},
				Remedies: []diagnostics.Remedy{diagnostics.MoveBefore{Call: r.SeedAt, Other: r.RestoreAt}},
			})
			continue
		}
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(r.SeedAt), Severity: diagnostics.Information,
			Message: "Training resumes with the seed of its first start, and no generator's state is restored. Shuffling, dropout and augmentation " +
				"repeat those of the first epochs.",
			Related: []diagnostics.Related{at(r.Load.Node, "training resumes from this file")},
		}
		if r.From != "" && r.Argument.Valid() {
			d.Remedies = []diagnostics.Remedy{diagnostics.Assign{
				Title: fmt.Sprintf("Add `%s` to the seed", r.From), Value: r.Argument, New: r.Argument.Text() + " + " + r.From,
				Reason: "a run that starts from the beginning with an epoch other than 0 draws different numbers too",
			}}
		}
		p.Report(d)
	}
}
