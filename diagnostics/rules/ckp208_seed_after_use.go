package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP208 seed-after-use
//
// # What it does
//
// Reports a seed that comes after a model was built, or after data were split or shuffled with the generator it seeds.
//
// # Why it matters
//
// What is drawn before the seed differs from run to run: the initial weights, or which examples are for training. The seed
// repeats only what comes after it.
//
// # Example
//
//	import torch
//	from data import loader
//
//	model = torch.nn.Linear(4, 2)
//	torch.manual_seed(0)
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	for x in loader:
//	    model(x).sum().backward()
//	    optimizer.step()
//
// # Use instead
//
//	import torch
//	from data import loader
//
//	torch.manual_seed(0)
//	model = torch.nn.Linear(4, 2)
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	for x in loader:
//	    model(x).sum().backward()
//	    optimizer.step()
//
// # Fix safety
//
// The fix moves the seed before what it should decide. It is unsafe: the numbers of the first epochs change. There is no
// fix where the seed is computed in between, or stands in another block.
//
// # What it does not see
//
// Models and data that other files build, and programs that call a seeding function of another file. A model whose weights are
// loaded from a file, a seed in a loop, and seeds that put the generator's state back afterwards are left alone. What is drawn under a
// test that does not decide on the seed as well is information, and left alone where an option's default turns it off, or an earlier
// round of the same loop has seeded. So is a seed for the very numbers that the model is then trained on, as in a demonstration.
//
// # Related rules
//
// `unseeded-split`, `partial-seed`, `reseed-after-restore`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/notes/randomness.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP208", Name: "seed-after-use", Summary: "The seed comes after the model was built or the data were arranged",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  seedAfterUse,
})

func seedAfterUse(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	reported := map[pyast.Node]bool{} // one seed call may be late for several generators
	for _, r := range p.File.Runs {
		if r.SeedsElsewhere().Valid() {
			continue
		}
		for _, l := range r.LateSeeds() {
			if reported[l.Seeding] {
				continue
			}
			reported[l.Seeding] = true
			has, severity := " has", diagnostics.Warning
			if l.Possible {
				has, severity = " may have", diagnostics.Information
			}
			if l.ForData {
				severity = diagnostics.Information
			}
			what, effect := l.Draw.What+has+" drawn from "+l.RNG.String(), "what it drew differs"
			if l.Built {
				what, effect = l.Draw.What+has+" drawn the initial weights", "they differ"
			}
			d := diagnostics.Diagnostic{
				Place: training.FirstLine(l.Seeding), Severity: severity,
				Message: fmt.Sprintf("This seed comes too late: %s already, and %s from run to run.", what, effect),
				Related: []diagnostics.Related{at(l.Drawing, "drawn before the seed")},
			}
			if seeds, before, ok := l.MoveUp(p.File); ok {
				d.Remedies = []diagnostics.Remedy{diagnostics.SeedFirst{Seeds: seeds, Before: before}}
			}
			p.Report(d)
		}
	}
}
