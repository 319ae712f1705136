package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP213 same-seed-all-ranks
//
// # What it does
//
// Reports a program of several processes that seeds all of them alike and names augmentation, dropout or noise, or trains a model
// whose code is not at hand, and a loader or sampler whose own generator is seeded alike on all ranks. It is off by default.
//
// # Why it matters
//
// All ranks then draw the same numbers: the same crops and flips for different images, the same dropout. The seeds of a
// loader's workers come from its generator, so augmentation in workers repeats as well.
//
// # Example
//
//	import torch
//	import torch.distributed as dist
//
//	dist.init_process_group("nccl")
//	rank = dist.get_rank()
//	torch.manual_seed(42)
//	model = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Dropout(0.1))
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//
// # Use instead
//
//	import torch
//	import torch.distributed as dist
//
//	dist.init_process_group("nccl")
//	rank = dist.get_rank()
//	torch.manual_seed(42 + rank)
//	model = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Dropout(0.1))
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//
// # Fix safety
//
// The fix adds the rank. It is unsafe: models are then built with other weights on each rank. DistributedDataParallel sends
// those of rank 0 to all; code that relies on the same numbers everywhere (a random split, a sharded model) must keep one seed.
//
// # What it does not see
//
// Draws that should differ are known by their names only, as dropout, random crops,
// mixup or noise, in the files whose functions the run enters: where none is named there and the model is at hand, nothing is
// reported, and one that is named may be switched off. A run in which any seed depends on the rank,
// seeds under a rank test, seeds that order a dataset's list or are called shared, files that shard models, and generators in files that use Accelerate, which shares one on purpose,
// are left alone. A seed in a parent that spawns its processes does not reach them: partial-seed reports it.
//
// # Related rules
//
// `unseeded-workers`, `shared-rng-all-ranks`, `lightning-unseeded-workers`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/data.html#randomness-in-multi-process-data-loading
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP213", Name: "same-seed-all-ranks", Summary: "Every process draws the same random numbers",
	Severity: diagnostics.Off, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: sameSeedAllRanks,
})

func sameSeedAllRanks(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	for _, s := range p.File.SharedSeeds() {
		message := fmt.Sprintf("Every process seeds with `%s`: what they draw in training, as augmentation and dropout, is the same on all ranks.", shortened(s.Seed))
		if s.User.Valid() {
			message = fmt.Sprintf("The generator of `%s` starts from `%s` in every process: all ranks draw the same order and augmentation.",
				s.User.Child(pyast.FieldFunction).Text(), shortened(s.Seed))
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(s.Call), Message: message,
			Related:  []diagnostics.Related{at(s.Several, "several processes run this")},
			Remedies: []diagnostics.Remedy{diagnostics.SeedByRank{Seed: s.Seed, Rank: s.Rank}},
		})
	}
}
