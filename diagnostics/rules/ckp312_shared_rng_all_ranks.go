package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP312 shared-rng-all-ranks
//
// # What it does
//
// Reports a random generator's state that rank 0 alone saves, and that every rank sets when training resumes.
//
// # Why it matters
//
// Before, each rank drew numbers of its own. After the resume all of them go on with those of rank 0: augmentation and dropout
// are the same on every rank, and the run differs from one without the interruption.
//
// # Example
//
//	import torch
//	import torch.distributed as dist
//	from model import Net, train
//
//	def main(rank, seed):
//	    dist.init_process_group("nccl")
//	    torch.manual_seed(seed + rank)
//	    model = Net()
//	    checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	    model.load_state_dict(checkpoint["model"])
//	    torch.set_rng_state(checkpoint["rng"])
//	    train(model)
//	    if dist.get_rank() == 0:
//	        torch.save({"model": model.state_dict(), "rng": torch.get_rng_state()}, "last.pt")
//
// # Use instead
//
//	import torch
//	import torch.distributed as dist
//	from model import Net, train
//
//	def main(rank, seed):
//	    dist.init_process_group("nccl")
//	    torch.manual_seed(seed + rank)
//	    model = Net()
//	    checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	    model.load_state_dict(checkpoint["model"])
//	    torch.set_rng_state(checkpoint["rng"][dist.get_rank()])
//	    train(model)
//	    rng_by_rank = [None] * dist.get_world_size()
//	    dist.all_gather_object(rng_by_rank, torch.get_rng_state())
//	    if dist.get_rank() == 0:
//	        torch.save({"model": model.state_dict(), "rng": rng_by_rank}, "last.pt")
//
// # Fix safety
//
// The fix gathers the states of all ranks before the save and takes that of the rank at the load. It is unsafe: checkpoints that
// were written before hold one state, and the number of processes must be the same on resume. It is offered where the save, its
// rank test and the load stand in one file, and the state is read in one place.
//
// # What it does not see
//
// Generators of samplers, which are often meant to be alike on all ranks. It is silent where every rank seeds alike, because the
// state of rank 0 is then that of all, and where a seed comes from unresolved code.
//
// # Related rules
//
// `missing-rng-state`, `same-seed-all-ranks`, `rng-not-restored`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/distributed.html#torch.distributed.all_gather_object
//   - https://docs.pytorch.org/docs/stable/notes/randomness.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP312", Name: "shared-rng-all-ranks", Summary: "Rank 0's random state is restored on every rank",
	Severity: diagnostics.Information, Fix: diagnostics.Unsafe, HasFix: true, Since: "0.1.0",
	Run: sharedRNGAllRanks,
})

func sharedRNGAllRanks(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	places := once{}
	for _, x := range p.File.SharedRNGs() {
		if !places.first(x.Restore.Node) {
			continue
		}
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(x.Restore.Node),
			Message: fmt.Sprintf("Every rank sets the generator's state that one rank saves in %s. All ranks then draw the same numbers, where each "+
				"drew its own before.", shown(x.Save.Path)),
			Related: []diagnostics.Related{at(x.Save.Node, "one rank saves its state here"), at(x.Several.Node, "several processes run this")},
		}
		if x.Guard != nil && x.Read.Valid() {
			d.Remedies = []diagnostics.Remedy{diagnostics.GatherStates{State: x.State, Save: x.Save, Guard: x.Guard, Read: x.Read}}
		}
		p.Report(d)
	}
}
