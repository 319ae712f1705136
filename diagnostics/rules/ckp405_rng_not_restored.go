package rules

import (
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP405 rng-not-restored
//
// # What it does
//
// Reports a load from which training resumes and which leaves the saved states of the random number generators in the file, or
// sets some of several states that were saved and forgets another.
//
// # Why it matters
//
// The resumed run draws different numbers than the run that was not interrupted: another shuffle order, other dropout masks,
// other augmentation, from the first batch on. With the same seed at start-up it draws those of the first epochs again.
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	torch.manual_seed(0)
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
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
//	        "rng_state": torch.get_rng_state(),
//	    }, "last.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, loader
//
//	torch.manual_seed(0)
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	torch.set_rng_state(checkpoint["rng_state"].cpu())
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	        "rng_state": torch.get_rng_state(),
//	    }, "last.pt")
//
// # Fix safety
//
// The fix is safe: it sets the states last, just before the training loop, because building models and loaders draws numbers.
// Where a function of its own loads, it sets them there, if nothing draws numbers between that and the loop; else there is no fix.
//
// # What it does not see
//
// Checkpoints that are passed to functions of other files are taken to be restored there.
//
// # Related rules
//
// `missing-rng-state`, `state-not-restored`, `reseed-after-restore`, `rng-moved-by-map-location`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/notes/randomness.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP405", Name: "rng-not-restored", Summary: "The generators' states are saved and never set on resume",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Run: rngNotRestored,
})

func rngNotRestored(p *diagnostics.Pass) {
	places := once{}
	for _, k := range p.File.KeptGenerators() {
		p.Report(diagnostics.Diagnostic{
			Place:   training.FirstLine(k.Set.Node),
			Message: fmt.Sprintf("`%s` keeps the state of the %s random number generator, and nothing sets it back, though others are set here. What draws from it gets different numbers.", k.Field, k.RNG),
			Related: []diagnostics.Related{at(k.Kept, "it is kept here")},
		})
	}
	for _, r := range slices.Concat(p.File.Resumptions(), p.File.SetInPart()) {
		for _, c := range r.Unrestored() {
			if c.Role != training.RoleRNG || !places.first(c.Entry.Pair) {
				continue
			}
			d := diagnostics.Diagnostic{
				Place:   training.FirstLine(r.Load.Node),
				Message: fmt.Sprintf("The state of the random number generators is saved under %q and never set here. %s", c.Key, drawnAfter(r.Save.SeededAgain(c.RNG))),
				Related: []diagnostics.Related{at(c.Entry.Pair, "it is saved here")},
			}
			if set := r.Load.RestoredRNG(); len(set) > 0 {
				d.Place = training.FirstLine(set[len(set)-1].Node)
				d.Message = fmt.Sprintf("The state of a random number generator is saved under %q and never set, though others are. %s", c.Key, drawnFromIt(r.Save.SeededAgain(c.RNG)))
				d.Related = append(d.Related, at(r.Load.Node, "the checkpoint is loaded here"))
			}
			switch {
			case len(c.RNG) > 0:
				d.Remedies = []diagnostics.Remedy{diagnostics.RestoreState{Load: r.Load, Key: c.Key, RNG: c.RNG}}
			case c.Object != nil && c.Object.Kind == training.Generator:
				d.Remedies = []diagnostics.Remedy{diagnostics.RestoreState{Load: r.Load, Key: c.Key, Object: c.Object}}
			}
			p.Report(d)
		}
	}
}

// drawnFromIt is drawnAfter of one generator among others that are restored.
func drawnFromIt(seeded bool) string {
	if !seeded {
		return "After resuming, what draws from it gets different numbers."
	}
	return "A resume with the same seed draws its numbers of the first epochs again."
}
