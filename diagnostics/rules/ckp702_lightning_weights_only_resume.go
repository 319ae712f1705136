package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP702 lightning-weights-only-resume
//
// # What it does
//
// Reports `ModelCheckpoint(save_weights_only=True)` in a program whose `trainer.fit` is given a `ckpt_path`.
//
// # Why it matters
//
// Such a file has no optimizer and no scheduler state: `trainer.fit` raises a KeyError when it comes to restore them. (It has the
// epoch and the state of the loops, so that it looks like one that can be resumed.)
//
// # Example
//
//	from lightning.pytorch import Trainer
//	from lightning.pytorch.callbacks import ModelCheckpoint
//	from model import net, loader
//
//	keep = ModelCheckpoint(dirpath="out", save_last=True, save_weights_only=True)
//	trainer = Trainer(max_epochs=10, callbacks=[keep])
//	trainer.fit(net, loader, ckpt_path="out/last.ckpt")
//
// # Use instead
//
//	from lightning.pytorch import Trainer
//	from lightning.pytorch.callbacks import ModelCheckpoint
//	from model import net, loader
//
//	keep = ModelCheckpoint(dirpath="out", save_last=True)
//	trainer = Trainer(max_epochs=10, callbacks=[keep])
//	trainer.fit(net, loader, ckpt_path="out/last.ckpt")
//
// # Fix safety
//
// The fix writes full checkpoints. It is unsafe: with Adam they are about three times as large.
//
// # What it does not see
//
// Programs with another ModelCheckpoint that keeps full checkpoints are left alone, and calls of `fit` in other files.
//
// # Related rules
//
// `missing-optimizer-state`, `trainer-model-only`, `lightning-manual-save`
//
// # References
//
//   - https://lightning.ai/docs/pytorch/stable/api/lightning.pytorch.callbacks.ModelCheckpoint.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP702", Name: "lightning-weights-only-resume", Summary: "Training resumes from checkpoints that hold only weights",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: lightningWeightsOnlyResume,
})

func lightningWeightsOnlyResume(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	fit := p.File.Resuming("fit", "ckpt_path")
	if !fit.Valid() || p.File.Opaque(training.ModelCheckpoints) {
		return
	}
	var bare []pyast.Node
	for c := range p.File.CallsOf(training.ModelCheckpoints) {
		if !p.File.On(c, "save_weights_only") {
			return
		}
		bare = append(bare, c)
	}
	for _, c := range bare {
		p.Report(diagnostics.Diagnostic{
			Place:    training.FirstLine(c),
			Message:  fmt.Sprintf("The optimizer is not written, and `fit` at %s goes on from a checkpoint: restoring the optimizer raises a KeyError.", lineIn(p.File, fit, c)),
			Related:  []diagnostics.Related{at(fit, "training resumes here")},
			Remedies: []diagnostics.Remedy{writeFull(c, "save_weights_only")},
		})
	}
}
