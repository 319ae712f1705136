package rules

import (
	"fmt"

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
// It keeps silent as soon as any name in the file speaks of seeds, and for training that other files start.
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
	if p.File.Test() || p.File.MentionsSeed() {
		return
	}
	r := p.File.Runs[0] // the module body: what a script does
	loop := r.TrainingLoop()
	draws := r.Draws()
	if loop == nil || len(draws) == 0 {
		return
	}
	p.Report(diagnostics.Diagnostic{
		Place: training.FirstLine(loop.Node),
		Message: fmt.Sprintf("Nothing seeds the generators of this training: %s draws other numbers in each run.",
			draws[0].What),
		Related:  []diagnostics.Related{at(draws[0].Event.Node, "random numbers are first drawn here")},
		Remedies: []diagnostics.Remedy{diagnostics.SeedAll{Entry: draws[0].Event.Ctx.Func, Generators: r.GeneratorsUsed()}},
	})
}
