package rules

import (
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP201 no-seed
//
// # What it does
//
// Reports a script that trains, draws random numbers and seeds no generator.
//
// # Why it matters
//
// Initial weights, the order of the data and dropout differ from run to run, so no result can be had a second time and a
// change of the code cannot be told from chance.
//
// # Example
//
//	import torch
//	from data import loader
//
//	model = torch.nn.Linear(4, 2)
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	for epoch in range(10):
//	    for x, y in loader:
//	        model(x).sum().backward()
//	        optimizer.step()
//
// # Use instead
//
//	import torch
//	from data import loader
//
//	torch.manual_seed(0)
//	model = torch.nn.Linear(4, 2)
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	for epoch in range(10):
//	    for x, y in loader:
//	        model(x).sum().backward()
//	        optimizer.step()
//
// # Fix safety
//
// The fix is unsafe: with a seed every run draws the same numbers, which changes results.
//
// # What it does not see
//
// A function whose code is not available and whose name speaks of seeds is assumed to seed. Training that other files
// start is not looked at, and draws whose numbers only name a run, pick a port or are shown do not count.
//
// # Related rules
//
// `partial-seed`, `unseeded-workers`, `unseeded-split`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/notes/randomness.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP201", Name: "no-seed", Summary: "A training script draws random numbers and never seeds",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: noSeed,
})

func noSeed(p *diagnostics.Pass) {
	r := p.File.Runs[0] // the module body: what a script does
	trains, _ := r.Training()
	if p.File.Test() || !trains.Valid() || r.Seeded() {
		return
	}
	i := slices.IndexFunc(r.Draws(), r.Counts)
	if i < 0 || r.SeedsElsewhere().Valid() || p.File.SeededByImport() {
		return
	}
	d := r.Draws()[i]
	drawn, _ := r.Leading(d)
	entry, before := r.SeedPlace(d)
	diagnosis := diagnostics.Diagnostic{
		Place:    training.FirstLine(drawn),
		Message:  fmt.Sprintf("Nothing seeds the generators of this training: %s draws different numbers in each run.", d.What),
		Related:  []diagnostics.Related{at(trains, "training runs here")},
		Remedies: []diagnostics.Remedy{diagnostics.SeedAll{Entry: entry, Before: before, Generators: r.GeneratorsUsed()}},
	}
	if drawn != d.Event.Node {
		diagnosis.Related = append(diagnosis.Related, at(d.Event.Node, "random numbers are first drawn here"))
	}
	p.Report(diagnosis)
}
