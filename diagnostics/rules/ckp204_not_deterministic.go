package rules

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP204 not-deterministic
//
// # What it does
//
// Points out that a training which seeds torch and can run on CUDA never asks for deterministic operations, or asks cuDNN alone.
//
// # Why it matters
//
// A seed repeats the random numbers. Some CUDA operations add in an order that changes, and cuDNN may choose algorithms that
// do, so two runs with one seed can still differ in the last digits, and drift apart from there.
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	torch.manual_seed(0)
//	model = Net().cuda()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	for x in loader:
//	    model(x).backward()
//	    optimizer.step()
//
// # Use instead
//
//	import torch
//	from model import Net, loader
//
//	torch.manual_seed(0)
//	torch.use_deterministic_algorithms(True)
//	model = Net().cuda()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	for x in loader:
//	    model(x).backward()
//	    optimizer.step()
//
// # Fix safety
//
// The fix asks cuDNN for deterministic algorithms and switches its benchmark off. It is unsafe: they can be slower (measure it).
// The other operators are left to you, where cuDNN is asked already, because `torch.use_deterministic_algorithms(True)` raises an error at an operation that
// has no deterministic form.
//
// # What it does not see
//
// Whether an operation is used that cuDNN does not decide on, and a file that speaks of `use_deterministic_algorithms` in a comment. A
// setting of `cudnn.benchmark` alone counts as a decision, and so does a function whose code is not available and is called so, or told
// `deterministic=`.
//
// # Related rules
//
// `nondeterministic-cudnn`, `missing-cublas-config`, `nondeterministic-op`, `trainer-not-deterministic`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/notes/randomness.html#avoiding-nondeterministic-algorithms
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP204", Name: "not-deterministic", Summary: "Training on CUDA is seeded, but deterministic operations are never asked for",
	Severity: diagnostics.Hint, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: notDeterministic,
})

func notDeterministic(p *diagnostics.Pass) {
	if p.File.Test() || !p.File.UsesCUDA() {
		return
	}
	for _, r := range p.File.Runs {
		if r.SeedsElsewhere().Valid() {
			continue
		}
		if s, ok := r.CudnnAlone(); ok {
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(s.Event.Node),
				Message: "Only cuDNN is asked for deterministic operations: others on CUDA, as `scatter_add`, still differ. " +
					"`torch.use_deterministic_algorithms(True)` asks all, and raises an error at one that has no deterministic form.",
			})
		}
		if r.TrainingLoop() == nil || r.DecidesDeterminism() {
			continue
		}
		seeds := slices.Concat(r.ProgramSeeds(training.MainProcess), r.ProgramSeeds(training.Spawned))
		i := slices.IndexFunc(seeds, func(c *training.Call) bool {
			return c.Callee == "torch.manual_seed" && slices.Contains(c.Entry.Generators, torch.TorchRNG)
		})
		if i < 0 {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(seeds[i].Node),
			Message: "The seed alone does not make training on CUDA repeat: deterministic operations are never asked for. They can be " +
				"slower; measure it.",
			Remedies: []diagnostics.Remedy{diagnostics.Deterministic{Seed: seeds[i]}},
		})
	}
}
