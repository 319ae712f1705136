package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// CKP307 sharded-optimizer-save
//
// # What it does
//
// Reports `optimizer.state_dict()` in a checkpoint where each process has only a part of that state: a ZeroRedundancyOptimizer
// whose parts nothing gathers, and an optimizer over the parameters of an FSDP model.
//
// # Why it matters
//
// ZeroRedundancyOptimizer raises a RuntimeError in `state_dict()` until every rank has called `consolidate_state_dict`. Over FSDP
// parameters `state_dict()` gives, without a word, the part of the rank that asks: the parts of the other ranks are lost, and on
// resume these load a part that is not theirs, or fail.
//
// # Example
//
//	import torch
//	import torch.distributed as dist
//	from torch.distributed.fsdp import FullyShardedDataParallel as FSDP
//	from model import Net, train
//
//	def main():
//	    dist.init_process_group("nccl")
//	    model = FSDP(Net())
//	    optimizer = torch.optim.AdamW(model.parameters())
//	    train(model, optimizer)
//	    if dist.get_rank() == 0:
//	        torch.save({"optimizer": optimizer.state_dict()}, "last.pt")
//
// # Use instead
//
//	import torch
//	import torch.distributed as dist
//	from torch.distributed.fsdp import FullyShardedDataParallel as FSDP
//	from model import Net, train
//
//	def main():
//	    dist.init_process_group("nccl")
//	    model = FSDP(Net())
//	    optimizer = torch.optim.AdamW(model.parameters())
//	    train(model, optimizer)
//	    state = FSDP.optim_state_dict(model, optimizer)
//	    if dist.get_rank() == 0:
//	        torch.save({"optimizer": state}, "last.pt")
//
// # Fix safety
//
// There is no fix: the state must be gathered by every rank, and loaded through the matching function
// (`FSDP.optim_state_dict_to_load`, or get_optimizer_state_dict and set_optimizer_state_dict of torch.distributed.checkpoint).
//
// # What it does not see
//
// Models that Accelerate, Lightning or DeepSpeed wrap, and parameter groups that are put together by hand. It is silent about
// FSDP states in a file of its own for each rank, and about ZeRO wherever the program names consolidate_state_dict;
// collective-in-rank-guard reports that call where one rank makes it.
//
// # Related rules
//
// `collective-in-rank-guard`, `missing-optimizer-state`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/distributed.optim.html#torch.distributed.optim.ZeroRedundancyOptimizer
//   - https://docs.pytorch.org/docs/stable/fsdp.html#torch.distributed.fsdp.FullyShardedDataParallel.optim_state_dict
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP307", Name: "sharded-optimizer-save", Summary: "One rank's part of an optimizer's state is saved as if it were whole",
	Severity: diagnostics.Error, Since: "0.1.0",
	Run: shardedOptimizerSave,
})

func shardedOptimizerSave(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	places := once{}
	for _, x := range p.File.ShardedStates() {
		if !places.first(x.Component.Value.Node) {
			continue
		}
		name := receiver(x.Component).Text()
		d := diagnostics.Diagnostic{
			Place: statePlace(x.Save, x.Component),
			Message: fmt.Sprintf("The parameters of `%s` are sharded by FSDP, so this is only the part of its state that belongs to the rank that saves. "+
				"On resume the other ranks take it for theirs, or fail. Every rank must call `FSDP.optim_state_dict(model, %s)`.", name, name),
			Related: []diagnostics.Related{at(x.By, "the parameters are sharded here")},
		}
		if x.Zero {
			d.Message = fmt.Sprintf("Each rank holds a part of the state of `%s`. `state_dict()` raises a RuntimeError until every rank has called "+
				"`%s.consolidate_state_dict()`.", name, name)
			d.Related = []diagnostics.Related{at(x.By, "the state is sharded here")}
		}
		p.Report(d)
	}
}
