package rules

import (
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP701 lightning-manual-save
//
// # What it does
//
// Reports `torch.save` of a model or of a training state in a hook of a LightningModule or Callback.
//
// # Why it matters
//
// Lightning runs hooks in every process of its strategy, so each rank writes the file. And a state that holds the optimizer beside
// the model still lacks what `trainer.save_checkpoint` writes, the state of loops, callbacks and precision plugin:
// `trainer.fit(ckpt_path=...)` cannot go on from it.
//
// # Example
//
//	import lightning as L
//	import torch
//
//	class Net(L.LightningModule):
//	    def on_train_epoch_end(self):
//	        torch.save({"model": self.state_dict(), "optimizer": self.optimizers().state_dict()}, "last.pt")
//
// # Use instead
//
//	import lightning as L
//
//	class Net(L.LightningModule):
//	    def on_train_epoch_end(self):
//	        self.trainer.save_checkpoint("last.ckpt")
//
// # Fix safety
//
// There is no fix: what reads the file would have to change too.
//
// # What it does not see
//
// Exports of weights under a test of the rank are left alone, and files that differ by rank.
//
// # Related rules
//
// `lightning-weights-only-resume`, `all-ranks-save`
//
// # References
//
//   - https://lightning.ai/docs/pytorch/stable/common/checkpointing_basic.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP701", Name: "lightning-manual-save", Summary: "A Lightning hook writes a checkpoint of its own",
	Severity: diagnostics.Warning, Since: "0.1.0",
	Run: lightningManualSave,
})

func lightningManualSave(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	places := once{}
	for _, s := range p.File.Saves() {
		hook := s.Hook()
		if hook == "" || !s.Known || s.Path.Buffer || s.Path.Rank {
			continue
		}
		state, alone := s.HasKind(training.Optimizer), p.File.Guarded(s.Frame)
		if !state && (alone || !holdsModel(s)) || !places.first(s.Node) {
			continue
		}
		message := fmt.Sprintf("Lightning runs `%s` in every process, and each writes this file. ", hook)
		read := s.ReadBy()
		switch {
		case strings.HasSuffix(hook, "on_save_checkpoint"): // which save_checkpoint itself calls
			message += "Write it only where `trainer.is_global_zero`."
		case read.Valid(): // what save_checkpoint writes has other keys
			message += fmt.Sprintf("Write it only where `trainer.is_global_zero`: it is read at %s.", lineIn(p.File, read, s.Node))
		default:
			message += "`trainer.save_checkpoint` writes it once, with what a resume needs."
		}
		if _, told := s.Distributed(); told || alone {
			if !state {
				continue // every rank's writing is told by all-ranks-save
			}
			message = "This state lacks what `trainer.save_checkpoint` writes beside model and optimizer, the state of loops and callbacks. `trainer.fit(ckpt_path=...)` cannot go on from it."
		}
		d := diagnostics.Diagnostic{Place: training.FirstLine(s.Node), Message: message}
		if read.Valid() {
			d.Related = []diagnostics.Related{at(read, "it is read here")}
		}
		p.Report(d)
	}
}
