package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP310 rank-divergent-exists
//
// # What it does
//
// Reports a test of the file system that each rank makes for itself, where one branch holds a call that every rank must make (a
// barrier, a reduction, a model that is wrapped in DDP), and a rank makes or removes the file before the others are sure to have
// asked.
//
// # Why it matters
//
// A rank that asks a moment later gets the other answer and takes the other branch. The rest wait for it in the call until the
// process group's timeout. It happens now and then, most often when the file is made quickly or a rank starts late.
//
// # Example
//
//	import os
//	import torch
//	import torch.distributed as dist
//	from model import Net
//
//	def main(path):
//	    dist.init_process_group("nccl")
//	    if not os.path.exists(path):
//	        if dist.get_rank() == 0:
//	            torch.save(Net().state_dict(), path)
//	        dist.barrier()
//
// # Use instead
//
//	import os
//	import torch
//	import torch.distributed as dist
//	from model import Net
//
//	def main(path):
//	    dist.init_process_group("nccl")
//	    if dist.get_rank() == 0 and not os.path.exists(path):
//	        torch.save(Net().state_dict(), path)
//	    dist.barrier()
//
// # Fix safety
//
// There is no fix: let one rank ask, and either act on the answer alone or send it to the others (broadcast_object_list), and move
// the call that all must make out of the branch.
//
// # What it does not see
//
// Files that another program makes or removes, and nodes that do not share a disk. A function that gets the file's name is
// taken to make it: that is reported as information.
//
// # Related rules
//
// `missing-barrier`, `collective-in-rank-guard`, `node-local-path`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/distributed.html#torch.distributed.barrier
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP310", Name: "rank-divergent-exists", Summary: "Each rank checks for a file and may take a different branch around a collective call",
	Severity: diagnostics.Warning, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  rankDivergentExists,
})

func rankDivergentExists(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	places := once{}
	for _, r := range p.File.Runs {
		for _, t := range r.DivergentTests() {
			if !places.first(t.Asks.Node) {
				continue
			}
			d := diagnostics.Diagnostic{
				Place: training.FirstLine(t.Asks.Node),
				Message: fmt.Sprintf("Each rank checks for %s by itself, and only one answer leads to `%s` (%s). What %s does may change the answer before "+
					"all have checked: some ranks then wait in the call for the others until the timeout.",
					shown(t.Path), t.What, lineIn(p.File, t.Joint.Node, t.Asks.Node), lineIn(p.File, t.Change.Node, t.Asks.Node)),
				Related: []diagnostics.Related{
					at(t.Joint.Node, "every rank must make this call"), at(t.Change.Node, "this changes the answer"), at(t.Several.Node, "several processes run this"),
				},
			}
			if !t.Sure {
				d.Severity = diagnostics.Information
			}
			p.Report(d)
		}
	}
}
