package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP304 collective-in-rank-guard
//
// # What it does
//
// Reports a call that every process must make (a barrier, a reduction, the state dict of an FSDP model, consolidate_state_dict
// of a ZeRO optimizer, the savers of DeepSpeed, Accelerate, Fabric and torch.distributed.checkpoint) where only some ranks
// get to it.
//
// # Why it matters
//
// The ranks that make the call wait for the others, which never come: the run hangs until the timeout of the process group.
//
// # Example
//
//	import torch
//	import torch.distributed as dist
//	from model import Net, loader
//
//	def main(model):
//	    dist.init_process_group("nccl")
//	    if dist.get_rank() == 0:
//	        torch.save(model.state_dict(), "model.pt")
//	        dist.barrier()
//
// # Use instead
//
//	import torch
//	import torch.distributed as dist
//	from model import Net, loader
//
//	def main(model):
//	    dist.init_process_group("nccl")
//	    if dist.get_rank() == 0:
//	        torch.save(model.state_dict(), "model.pt")
//	    dist.barrier()
//
// # Fix safety
//
// The fix is unsafe: it moves the call out of the test, so that every rank makes it, and what stands around it may have to
// move along.
//
// # What it does not see
//
// Calls with a process group of their own, which may hold only these ranks. A barrier whose partner stands under the opposite
// test anywhere in the file (the first rank prepares, the others wait) is taken to be paired.
//
// # Related rules
//
// `missing-barrier`, `rank-divergent-exists`, `sharded-optimizer-save`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/distributed.html#torch.distributed.barrier
//   - https://huggingface.co/docs/accelerate/usage_guides/checkpoint
//   - https://www.deepspeed.ai/getting-started/#model-checkpointing
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP304", Name: "collective-in-rank-guard", Summary: "Only some ranks reach a call that every rank must make",
	Severity: diagnostics.Error, Fix: diagnostics.Unsafe, HasFix: true, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Warning},
	Run:  collectiveInRankGuard,
})

func collectiveInRankGuard(p *diagnostics.Pass) {
	f := p.File
	var all []training.GroupCall
	for _, r := range f.Runs {
		all = append(all, r.GroupCalls()...)
	}
	places := once{}
	for _, g := range all {
		guard, ok := f.SomeRanks(g.Frame)
		if !ok || g.OwnGroup() || g.Remembered(guard.Frame) || partnered(f, g, all) {
			continue
		}
		// Where a helper makes the call, the mistake is to call the helper there.
		site := training.Leading(g.Node, g.Ctx, guard.Frame.Ctx)
		if !site.Valid() {
			site = g.Node
		}
		if !places.first(site) {
			continue
		}
		p.Report(inGuard(f, g, guard, site))
	}
}

func inGuard(f *training.File, g training.GroupCall, guard training.Guard, site pyast.Node) diagnostics.Diagnostic {
	who, verb, it := "Only the main process", "reaches", "it waits for the others"
	switch guard.Test {
	case training.LocalMain:
		who = "Only one process of each node"
	case training.OthersOut:
		who, verb, it = "All processes but the main one", "reach", "they wait for it"
	}
	what := "`" + g.What + "`"
	d := diagnostics.Diagnostic{
		Place:   training.FirstLine(site),
		Related: []diagnostics.Related{at(guard.Frame.Cond, "the test that keeps the other processes out")},
	}
	if guard.Frame.Kind == pysem.FrameDecorator {
		d.Related = []diagnostics.Related{at(guard.Frame.Node, "the decorator that keeps the other processes out")}
	}
	if site != g.Node {
		what += " at " + lineIn(f, g.Node, site)
		d.Related = append(d.Related, at(g.Node, "the call that every process must make"))
	} else if guard.Frame.Kind != pysem.FrameDecorator {
		d.Remedies = []diagnostics.Remedy{diagnostics.MoveOutOfGuard{Call: g.Call, Guard: guard.Frame}}
	}
	d.Message = fmt.Sprintf("%s %s %s, which every process must call. %s until the process group's timeout.", who, verb, what, sentence(it))
	if !g.Certain {
		d.Severity = diagnostics.Warning
		d.Message = fmt.Sprintf("%s %s %s, which every process must call. Under DeepSpeed or FSDP %s until the "+
			"timeout, and without them the generator states of the other processes are not saved.", who, verb, what, it)
	}
	return d
}

// partnered reports whether the processes that a test keeps out make a call of their own that this one waits for: on the other
// branch of the test, or behind the opposite test anywhere in the file.
func partnered(f *training.File, g training.GroupCall, all []training.GroupCall) bool {
	if g.Kind == training.JointSave || g.Kind == training.JointState {
		for _, o := range all {
			if o.Node != g.Node && o.What == g.What && training.Exclusive(o.Frame, g.Frame) {
				return true
			}
		}
		return false
	}
	main, others := sides(f, g)
	for _, o := range all {
		if o.Node == g.Node && o.Frame == g.Frame || o.Kind == training.JointSave || o.Kind == training.JointState {
			continue
		}
		if training.Exclusive(o.Frame, g.Frame) {
			return true
		}
		if m, o := sides(f, o); main && o || others && m {
			return true
		}
	}
	return false
}

// sides says whether a test for the main process, and whether one for the others, stands around a call.
func sides(f *training.File, g training.GroupCall) (main, others bool) {
	for _, guard := range f.Guards(g.Frame) {
		main = main || guard.Test == training.MainOnly || guard.Test == training.LocalMain
		others = others || guard.Test == training.OthersOut
	}
	return main, others
}
