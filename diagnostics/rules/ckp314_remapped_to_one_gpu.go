package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP314 remapped-to-one-gpu
//
// # What it does
//
// Reports a checkpoint that every process of a distributed run loads onto one and the same GPU: without `map_location`, where one
// process has written the file, or with a `map_location` that names a GPU by a fixed number.
//
// # Why it matters
//
// A tensor comes back on the device that it was saved from, and rank 0 saves from its own GPU. All processes open a context there
// and hold a copy of the checkpoint: that GPU runs out of memory on resume, though training fitted before.
//
// # Example
//
//	import torch
//	import torch.distributed as dist
//	from torch.nn.parallel import DistributedDataParallel as DDP
//	from model import Net, train
//
//	def main(rank):
//	    dist.init_process_group("nccl")
//	    torch.cuda.set_device(rank)
//	    model = DDP(Net().cuda(), device_ids=[rank])
//	    checkpoint = torch.load("last.pt", weights_only=True)
//	    model.module.load_state_dict(checkpoint["model"])
//	    train(model)
//	    if dist.get_rank() == 0:
//	        torch.save({"model": model.module.state_dict()}, "last.pt")
//
// # Use instead
//
//	import torch
//	import torch.distributed as dist
//	from torch.nn.parallel import DistributedDataParallel as DDP
//	from model import Net, train
//
//	def main(rank):
//	    dist.init_process_group("nccl")
//	    torch.cuda.set_device(rank)
//	    model = DDP(Net().cuda(), device_ids=[rank])
//	    checkpoint = torch.load("last.pt", weights_only=True, map_location="cpu")
//	    model.module.load_state_dict(checkpoint["model"])
//	    train(model)
//	    if dist.get_rank() == 0:
//	        torch.save({"model": model.module.state_dict()}, "last.pt")
//
// # Fix safety
//
// The fix loads onto the CPU. It is safe where everything that is read goes into `load_state_dict`, which copies to each
// tensor's own device, or is a plain number. Where other values of the file are used, it is unsafe: they stay on the CPU.
//
// # What it does not see
//
// Where a file comes from that no save here writes: missing-map-location reports that load. It is silent where
// CUDA_VISIBLE_DEVICES is set, so that each process may see a GPU of its own.
//
// # Related rules
//
// `missing-map-location`, `rng-moved-by-map-location`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/generated/torch.load.html
//   - https://docs.pytorch.org/tutorials/intermediate/ddp_tutorial.html#save-and-load-checkpoints
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP314", Name: "remapped-to-one-gpu", Summary: "Every process loads the checkpoint onto the same GPU",
	Severity: diagnostics.Warning, Fix: diagnostics.Safe, HasFix: true, Since: "0.1.0",
	Run: remappedToOneGPU,
})

func remappedToOneGPU(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	places := once{}
	for _, l := range p.File.EveryLoad() {
		one, ok := l.OntoOneGPU()
		if !ok || !places.first(l.Node) {
			continue
		}
		d := diagnostics.Diagnostic{
			Place:    training.FirstLine(l.Node),
			Related:  []diagnostics.Related{at(one.Several.Node, "several processes run this")},
			Remedies: []diagnostics.Remedy{mapLocationFix(l)},
		}
		if one.Saved != nil {
			d.Message = fmt.Sprintf("Every process loads `%s` onto the GPU of the one that saved it: without `map_location` that GPU holds a "+
				"copy for each of them.", shortened(l.Path.Node))
			d.Related = append(d.Related, at(one.Saved.Node, "one process saves it here"))
		} else {
			d.Message = fmt.Sprintf("Every process loads `%s` onto one GPU: `map_location` is `%s` in all of them, and that GPU holds a copy "+
				"for each.", shortened(l.Path.Node), shortened(one.Device))
			fix := mapLocationFix(l)
			d.Remedies = []diagnostics.Remedy{diagnostics.Assign{Title: fix.Title, Value: one.Device, New: fix.Value, Safe: fix.Safe, Reason: fix.Reason}}
		}
		p.Report(d)
	}
}

// remapped are the loads that the rule reports.
func remapped(f *training.File) once {
	told := once{}
	for _, l := range f.EveryLoad() {
		if _, ok := l.OntoOneGPU(); ok {
			told.first(l.Node)
		}
	}
	return told
}
