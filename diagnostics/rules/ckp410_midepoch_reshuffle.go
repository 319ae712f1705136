package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP410 midepoch-reshuffle
//
// # What it does
//
// Reports a resume that skips as many batches as a checkpoint says were trained, of a loader with `shuffle=True` whose random
// numbers are not those of the interrupted run, and a `load_state_dict` that shuffles once what each epoch shuffles again.
//
// # Why it matters
//
// The loader draws a new order. The batches that are skipped are not those that were trained: some samples are seen twice in this
// epoch, and others not at all. What is shuffled epoch after epoch has another order after two shuffles than after the last one alone.
//
// # Example
//
//	import torch
//	from torch.utils.data import DataLoader
//	from model import Net, data
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	loader = DataLoader(data, batch_size=32, shuffle=True)
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	done = checkpoint["step"]
//	for epoch in range(checkpoint["epoch"], 10):
//	    for step, (x, y) in enumerate(loader):
//	        if step < done:
//	            continue
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    done = 0
//
// # Use instead
//
//	import torch
//	from torch.utils.data import DataLoader
//	from model import Net, data
//
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	loader = DataLoader(data, batch_size=32, shuffle=True)
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	done = checkpoint["step"]
//	for epoch in range(checkpoint["epoch"], 10):
//	    torch.manual_seed(epoch)
//	    for step, (x, y) in enumerate(loader):
//	        if step < done:
//	            continue
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    done = 0
//
// # Fix safety
//
// There is no fix: the order must be made to depend on the epoch, or the state of the generator at the start of the epoch must be
// saved and restored, and which of them fits is for the author to say.
//
// # What it does not see
//
// It is silent where a seed or `set_epoch` is called in each epoch, where any generator's state is restored, where the loader
// has a generator of its own, and where the number does not come from a checkpoint that is found.
//
// # Related rules
//
// `missing-loader-state`, `missing-set-epoch`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP410", Name: "midepoch-reshuffle", Summary: "A resume skips batches of a loader that reshuffles",
	Severity: diagnostics.Warning, Since: "0.1.0",
	Run: midepochReshuffle,
})

func midepochReshuffle(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	seen := once{}
	for _, s := range p.File.SkippedBatches() {
		if !seen.first(s.At) {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(s.At),
			Message: fmt.Sprintf("The loader reshuffles after a resume, so the `%s` batches that are skipped are not those that were trained. "+
				"Some samples come twice in this epoch, others not at all.", shortened(s.Count)),
			Related: []diagnostics.Related{at(s.Loader.Node, "the loader that shuffles"), at(s.Load.Node, "training resumes from this file")},
		})
	}
	for _, r := range p.File.Replays() {
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(r.At),
			Message: fmt.Sprintf("Each epoch shuffles what the last one left of `%s`, and this shuffles it once: after more than one the order is "+
				"another. The place in it is then that of other examples.", r.Name),
			Related: []diagnostics.Related{at(r.Each, "each epoch shuffles it here")},
		})
	}
}
