package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP211 clock-seed
//
// # What it does
//
// Reports a generator that is seeded from the time, the process number or the system's entropy, where the seed is not printed,
// stored or passed on.
//
// # Why it matters
//
// Nobody knows the seed afterwards, so the run cannot be had a second time. A generator that is not seeded at all differs from
// run to run as well.
//
// # Example
//
//	import time
//	import torch
//
//	torch.manual_seed(int(time.time()))
//
// # Use instead
//
//	import time
//	import torch
//
//	seed = int(time.time())
//	print(f"seed: {seed}")
//	torch.manual_seed(seed)
//
// # Fix safety
//
// The fix is unsafe, because every run then draws the same numbers: it writes a fixed seed, and in a `worker_init_fn` the one
// that torch gives each worker.
//
// # What it does not see
//
// A seed under a test of a seed (the user may give one), and one in a loop, which is meant to differ. Seeding without an
// argument, and seeds drawn from `random`. Where the program seeds torch nowhere, the finding is information.
//
// # Related rules
//
// `no-seed`, `seed-zero-ignored`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/notes/randomness.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP211", Name: "clock-seed", Summary: "The seed comes from the clock and is not recorded",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  clockSeed,
})

func clockSeed(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	told := map[pyast.Node]bool{} // one value may seed several generators
	seedsTorch := p.File.SeedsTorch()
	for _, s := range p.File.ClockSeeds() {
		if told[s.Value] {
			continue
		}
		told[s.Value] = true
		severity := diagnostics.Warning
		if !seedsTorch {
			severity = diagnostics.Information // nothing else of the run can be repeated
		}
		p.Report(diagnostics.Diagnostic{
			Severity: severity,
			Place:    training.FirstLine(s.Call),
			Message: fmt.Sprintf("This seed comes from `%s` and is recorded nowhere: the run cannot be repeated.",
				s.Source.Child(pyast.FieldFunction).Text()),
			Remedies: []diagnostics.Remedy{diagnostics.FixSeed{Value: s.Value, Worker: s.Worker}},
		})
	}
}
