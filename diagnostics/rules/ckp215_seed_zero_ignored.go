package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP215 seed-zero-ignored
//
// # What it does
//
// Reports a test such as `if args.seed:` that decides whether to seed by the seed's truth.
//
// # Why it matters
//
// 0 is a seed like any other, and it is false. Whoever asks for seed 0 gets a run that is not seeded, without a word.
//
// # Example
//
//	import argparse
//	import torch
//
//	parser = argparse.ArgumentParser()
//	parser.add_argument("--seed", type=int, default=None)
//	args = parser.parse_args()
//	if args.seed:
//	    torch.manual_seed(args.seed)
//
// # Use instead
//
//	import argparse
//	import torch
//
//	parser = argparse.ArgumentParser()
//	parser.add_argument("--seed", type=int, default=None)
//	args = parser.parse_args()
//	if args.seed is not None:
//	    torch.manual_seed(args.seed)
//
// # Fix safety
//
// The fix is safe where the seed's default, in the same file, shows that it is an int or None. It is unsafe elsewhere: a
// configuration may say 0 or False for "no seed"; the finding then is an information only.
//
// # What it does not see
//
// It is silent where 0 is the default, or the option's help text speaks of 0: there 0 stands for "no seed"; and where only a
// `torch.Generator()` made before the test is seeded, which starts from the same number in each run anyway.
//
// # Related rules
//
// `no-seed`, `clock-seed`
//
// # References
//
//   - https://docs.python.org/3/library/stdtypes.html#truth-value-testing
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP215", Name: "seed-zero-ignored", Summary: "Seed 0 is treated as no seed",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information}, FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run: seedZeroIgnored,
})

func seedZeroIgnored(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	for _, t := range p.File.SeedTests() {
		test, effect, related := " is not None", "nothing is seeded", "the seed that is left out"
		if t.Negated {
			test, effect, related = " is None", "another seed takes its place", "the other seed"
		}
		fix := diagnostics.Assign{Title: fmt.Sprintf("Test `%s%s`", t.Seed.Text(), test), Value: t.Cond, New: t.Seed.Text() + test, Safe: true}
		d := diagnostics.Diagnostic{
			Place:   training.FirstLine(t.Cond),
			Message: fmt.Sprintf("Seed 0 is treated as no seed: `%s` is false when it is 0, and %s.", t.Seed.Text(), effect),
			Related: []diagnostics.Related{at(t.Call, related)},
		}
		if !t.Declared {
			d.Severity = diagnostics.Information
			fix.Safe, fix.Reason = false, "a configuration may say 0 or False for no seed"
		}
		d.Remedies = []diagnostics.Remedy{fix}
		p.Report(d)
	}
}
