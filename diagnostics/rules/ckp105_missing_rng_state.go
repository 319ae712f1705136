package rules

import (
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP105 missing-rng-state
//
// # What it does
//
// Reports a checkpoint that training resumes from and that lacks the state of a random number generator which the training
// draws from: torch's for shuffling and dropout, CUDA's where the model runs there, numpy's and Python's where the training
// process itself draws from them. What only worker processes draw needs no saving: their seeds derive from torch's state.
//
// # Why it matters
//
// The resumed run draws different numbers than the run that was not interrupted, from the first batch on. When it seeds itself at
// start-up, it draws those of the first epochs again: the same order, the same augmentation.
//
// # Example
//
//	import torch
//	from model import Net, dataset
//
//	torch.manual_seed(0)
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	loader = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True)
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
//	torch.manual_seed(0)
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	loader = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True)
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
// The fix saves the states at the save and sets them last before the loop, because building models and loaders draws numbers.
// It is unsafe because the numbers a resumed run draws change.
//
// # What it does not see
//
// Generators of other libraries; whether the exact continuation matters to you: the severity is information. With three or
// more DDP ranks a resumed run is not bit-identical even with all states restored.
//
// # Related rules
//
// `rng-not-restored`, `reseed-after-restore`, `missing-loader-state`, `shared-rng-all-ranks`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/notes/randomness.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP105", Name: "missing-rng-state", Summary: "A training checkpoint lacks the state of the random number generators",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: missingRNGState,
})

func missingRNGState(p *diagnostics.Pass) {
	var saves []training.Resumption
	lacks := map[pyast.Place][]torch.RNG{} // together over all ways the program comes to a place
	for _, r := range p.File.Resumptions() {
		s := r.Save
		if s.Kind != training.PayloadDict || r.Evidence != training.FromLoadPath && (!s.HasKind(training.Optimizer) || len(s.Run.Seeds) == 0 || !s.HasKind(training.Scheduler) && !p.File.TakesBack()) {
			continue
		}
		if s.HasRole(training.RoleRNG) && len(savedRNG(s)) == 0 {
			continue // states in a form that is not followed
		}
		place := s.Anchor()
		if _, seen := lacks[place]; !seen {
			saves = append(saves, r)
			lacks[place] = nil
		}
		for _, g := range p.File.DrawnFrom(s) {
			if !s.HasRNG(g) && !slices.Contains(lacks[place], g) {
				lacks[place] = append(lacks[place], g)
			}
		}
	}
	for _, r := range saves {
		place := r.Save.Anchor()
		missing := lacks[place]
		if len(missing) == 0 {
			continue
		}
		slices.Sort(missing)
		p.Report(diagnostics.Diagnostic{
			Place:    place,
			Severity: proven(r, diagnostics.Information),
			Message: fmt.Sprintf("The state of the %s random number generator%s is not saved in this checkpoint. %s",
				rngList(missing), plural(len(missing)), drawnAfter(r.Save.SeededAgain(missing))),
			Related:  loadedHere(r.Load),
			Remedies: []diagnostics.Remedy{diagnostics.CompleteCheckpoint{Save: r.Save, Load: r.Load, RNG: missing}},
		})
	}
}

// drawnAfter says what a resumed run draws whose generators are not restored: with a seed at each start, that is what it drew before.
func drawnAfter(seeded bool) string {
	if !seeded {
		return "After resuming, shuffling, dropout and augmentation draw different numbers."
	}
	return "A resume with the same seed draws the numbers of the first epochs again."
}

func savedRNG(s *training.SaveSite) []torch.RNG {
	var out []torch.RNG
	for _, c := range s.Components {
		out = append(out, c.RNG...)
	}
	return out
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// rngList names generators: "torch, CUDA and numpy".
func rngList(list []torch.RNG) string {
	var names []string
	for _, g := range list {
		names = append(names, g.String())
	}
	return listed(names)
}
