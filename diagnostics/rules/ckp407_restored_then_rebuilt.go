package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP407 restored-then-rebuilt
//
// # What it does
//
// Reports an optimizer, scheduler, scaler, averaged model, best metric or epoch counter that is restored from a checkpoint and
// then replaced by a newly built one, or set to its start value, before training goes on.
//
// # Why it matters
//
// What was restored is thrown away without a word. The run looks like a resumed one and starts over in this respect: moment
// estimates from zero, the averaged weights from the current ones, epochs from the first.
//
// # Example
//
//	import torch
//	from model import Net, EMA, loader
//
//	class Trainer:
//	    def __init__(self, path):
//	        self.model = Net()
//	        self.optimizer = torch.optim.AdamW(self.model.parameters())
//	        self.load_checkpoint(path)
//	        self.ema = EMA(self.model, decay=0.999)
//
//	    def load_checkpoint(self, path):
//	        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
//	        self.model.load_state_dict(checkpoint["model"])
//	        self.optimizer.load_state_dict(checkpoint["optimizer"])
//	        self.ema = EMA.from_state(checkpoint["ema"])
//
//	    def train(self):
//	        for x, y in loader:
//	            self.model(x).loss(y).backward()
//	            self.optimizer.step()
//	            self.ema.update(self.model)
//
// # Use instead
//
//	import torch
//	from model import Net, EMA, loader
//
//	class Trainer:
//	    def __init__(self, path):
//	        self.model = Net()
//	        self.optimizer = torch.optim.AdamW(self.model.parameters())
//	        self.ema = EMA(self.model, decay=0.999)
//	        self.load_checkpoint(path)
//
//	    def load_checkpoint(self, path):
//	        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
//	        self.model.load_state_dict(checkpoint["model"])
//	        self.optimizer.load_state_dict(checkpoint["optimizer"])
//	        self.ema = EMA.from_state(checkpoint["ema"])
//
//	    def train(self):
//	        for x, y in loader:
//	            self.model(x).loss(y).backward()
//	            self.optimizer.step()
//	            self.ema.update(self.model)
//
// # Fix safety
//
// There is no fix: whether the construction has to move up or to go depends on what it needs.
//
// # What it does not see
//
// Models, which are wrapped and replaced for many reasons. It is silent where the new object is made from the old one or
// from the checkpoint, where it is built under a condition that the restore does not share, and where a condition or function
// around the reset of a number says that it is meant (finetune, reset), or nothing reads the number any more.
//
// # Related rules
//
// `state-not-restored`, `reseed-after-restore`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP407", Name: "restored-then-rebuilt", Summary: "Something is restored from a checkpoint and then replaced by a new one",
	Severity: diagnostics.Error, Also: []diagnostics.Severity{diagnostics.Warning}, Since: "0.1.0",
	Run: restoredThenRebuilt,
})

func restoredThenRebuilt(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	for _, b := range p.File.Rebuilt() {
		message := fmt.Sprintf("`%s` is restored from the checkpoint (%s) and replaced by a new %s here. Its restored state is lost before training goes on.",
			b.Name, lineIn(p.File, b.Restored, b.Node), b.Kind)
		if b.Kind == training.NotTracked {
			consequence := "Training goes on as if there were no checkpoint to count from."
			if !b.Epoch() {
				consequence = "What it counts starts over after a resume."
			}
			message = fmt.Sprintf("`%s` is restored from the checkpoint (%s) and set to `%s` here. %s", b.Name, lineIn(p.File, b.Restored, b.Node), b.New.Text(), consequence)
		}
		if b.Best {
			message = fmt.Sprintf("`%s` is restored from the checkpoint (%s) and set to `%s` here. The first evaluation after a resume overwrites the best checkpoint, whatever it scores.",
				b.Name, lineIn(p.File, b.Restored, b.Node), b.New.Text())
		}
		severity := diagnostics.Error
		if b.Kind == training.NotTracked && !b.Best && !b.Epoch() {
			severity = diagnostics.Warning // steps may only be counted
		}
		if b.Under.Valid() {
			severity = diagnostics.Warning
			message = fmt.Sprintf("`%s` is restored from the checkpoint (%s) and replaced by a new %s here under `%s`. With that, its restored state is lost before training goes on.",
				b.Name, lineIn(p.File, b.Restored, b.Node), b.Kind, b.Under.Text())
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(b.Node), Message: message, Severity: severity,
			Related: []diagnostics.Related{at(b.Restored, "it is restored here")},
		})
	}
}
