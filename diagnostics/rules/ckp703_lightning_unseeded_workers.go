package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP703 lightning-unseeded-workers
//
// # What it does
//
// Reports Lightning's `seed_everything` without `workers=True` in a file whose Trainer runs several processes and whose loaders have
// workers that nothing else seeds.
//
// # Why it matters
//
// Torch derives the seeds of a loader's workers from the seed of their process, and `seed_everything` gives all processes the same
// one: what workers draw, augmentation above all, is the same on every rank. With `workers=True` Lightning seeds them by rank too.
// In one process nothing is lacking.
//
// # Example
//
//	from lightning.pytorch import Trainer, seed_everything
//	from torch.utils.data import DataLoader
//	from model import net, data
//
//	seed_everything(42)
//	trainer = Trainer(max_epochs=10, devices=4, strategy="ddp")
//	trainer.fit(net, DataLoader(data, num_workers=4))
//
// # Use instead
//
//	from lightning.pytorch import Trainer, seed_everything
//	from torch.utils.data import DataLoader
//	from model import net, data
//
//	seed_everything(42, workers=True)
//	trainer = Trainer(max_epochs=10, devices=4, strategy="ddp")
//	trainer.fit(net, DataLoader(data, num_workers=4))
//
// # Fix safety
//
// The fix is safe: it seeds the workers and nothing else.
//
// # What it does not see
//
// Trainers and loaders in other files, and numbers of devices that are not known.
//
// # Related rules
//
// `unseeded-workers`, `same-seed-all-ranks`
//
// # References
//
//   - https://lightning.ai/docs/pytorch/stable/common/trainer.html#reproducibility
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP703", Name: "lightning-unseeded-workers", Summary: "Loader workers of all ranks are seeded alike",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Run: lightningUnseededWorkers,
})

func lightningUnseededWorkers(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	var several pyast.Node
	for c := range p.File.CallsOf(training.LightningTrainers) {
		for _, keyword := range []string{"devices", "gpus", "num_nodes"} {
			if v, _ := p.File.Setting(c, keyword); v.Kind == pysem.Int && (v.Int > 1 || v.Int == -1) {
				several = c
			}
		}
	}
	if !several.Valid() || !p.File.SeedsWorkersAlike() {
		return
	}
	for c := range p.File.CallsOf(training.SeedEverything) {
		if n := pysem.Args(c).Get(1, "workers"); n.Valid() && !n.Is(pyast.KindFalse) {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place:    training.FirstLine(c),
			Message:  fmt.Sprintf("The Trainer at %s runs several processes, and without `workers=True` the loader workers of all of them draw the same numbers.", lineIn(p.File, several, c)),
			Related:  []diagnostics.Related{at(several, "several processes are started here")},
			Remedies: []diagnostics.Remedy{diagnostics.SetKeyword{Title: "Seed the workers too", Call: c, Name: "workers", Value: "True", Safe: true}},
		})
	}
}
