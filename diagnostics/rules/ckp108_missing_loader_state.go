package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP108 missing-loader-state
//
// # What it does
//
// Reports a checkpoint that training resumes from and that does not say where in the data the training was: it lacks the state
// of a generator of its own (`generator=`) that shuffles them, it is written in the middle of an epoch without the number of
// batches done, or the training goes on at the saved step with an iterator that starts at its first batch.
//
// # Why it matters
//
// A generator of its own is one more random state: the resumed run goes through the data in another order. In the middle of an
// epoch the resumed run trains on the same batches once more, or leaves out the rest of the epoch.
//
// # Example
//
//	import torch
//	from model import Net, dataset
//
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	generator = torch.Generator().manual_seed(0)
//	loader = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True, generator=generator)
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	    }, "last.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, dataset
//
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	generator = torch.Generator().manual_seed(0)
//	loader = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True, generator=generator)
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	generator.set_state(checkpoint["generator"].cpu())
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	        "generator": generator.get_state(),
//	    }, "last.pt")
//
// # Fix safety
//
// The fix saves the generator's state and sets it before the loop. It is unsafe because the order of a resumed run changes.
// For a save in the middle of an epoch, and for an iterator, there is no fix: batches must be skipped, with the random state of the epoch's start.
//
// # What it does not see
//
// Whether the exact continuation matters to you: the severity is information. A checkpoint with any step or batch count is
// taken to be enough.
//
// # Related rules
//
// `midepoch-reshuffle`, `missing-rng-state`, `missing-progress`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader
//   - https://docs.pytorch.org/docs/stable/notes/randomness.html#dataloader
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP108", Name: "missing-loader-state", Summary: "A training checkpoint does not say where in the data the training was",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: missingLoaderState,
})

func missingLoaderState(p *diagnostics.Pass) {
	for _, r := range p.File.Resumptions() {
		s := r.Save
		if s.Kind != training.PayloadDict || r.Evidence != training.FromLoadPath && !s.HasKind(training.Optimizer) {
			continue
		}
		for _, o := range s.OrderSources() {
			p.Report(diagnostics.Diagnostic{
				Place:    s.Anchor(),
				Severity: proven(r, diagnostics.Information),
				Message: fmt.Sprintf("`%s` shuffles `%s` and its state is not saved in this checkpoint. After resuming, the data come in a different order than without the interruption.",
					o.Generator.Name, o.Name),
				Related:  append(loadedHere(r.Load), at(o.Given.Node, "it decides the order here")),
				Remedies: []diagnostics.Remedy{diagnostics.CompleteCheckpoint{Save: s, Load: r.Load, Object: o.Generator}},
			})
		}
		if l := s.MidEpoch(); l != nil {
			p.Report(diagnostics.Diagnostic{
				Place:    s.Anchor(),
				Severity: proven(r, diagnostics.Information),
				Message:  "This checkpoint is written in the middle of an epoch and does not say how many batches were done. After resuming, they are repeated, or the rest of the epoch is skipped.",
				Related:  append(loadedHere(r.Load), at(l.Node.Child(pyast.FieldRight), "the batches come from here")),
			})
		}
		if x, ok := s.FromFirstBatch(r.Load); ok {
			p.Report(diagnostics.Diagnostic{
				Place:    training.FirstLine(x.Next),
				Severity: proven(r, diagnostics.Information),
				Message: fmt.Sprintf("After a resume `%s` starts at its first batch, though training goes on at `%s`. What was trained comes again.",
					x.Name, shortened(x.Count)),
				Related: append(loadedHere(r.Load), at(x.Made, "the iterator is made here, once"), at(s.Node, "the checkpoint does not say where in the data the training is")),
			})
		}
	}
}
