package rules

import (
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP304 collective-in-rank-guard
//
// # What it does
//
// Reports a call that every process must make (a barrier, a reduction, the state dict of an FSDP model, consolidate_state_dict
// of a ZeRO optimizer, the savers of DeepSpeed, Accelerate, Lightning and torch.distributed.checkpoint) where only some ranks
// get to it: behind a rank test, or because some ranks leave the loop or the function before.
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
// test (the first rank prepares, the others wait) is taken to be paired: with one in the same function or class, or with one elsewhere
// that has no partner there. A way out under a flag that a constructor turns off and that no file at hand turns on is none.
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
	for _, g := range alone(f, all) {
		guard, ok := f.SomeRanks(g.Frame)
		if !ok || g.OwnGroup() || g.Remembered(guard.Frame) || f.ByChoice(g.GroupCall, guard) {
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
		p.Report(inGuard(f, g.GroupCall, guard, site))
	}
	for _, r := range f.Runs {
		for _, x := range r.OneSidedLeaves() {
			if places.first(x.Leave) {
				p.Report(leftBehind(f, x))
			}
		}
	}
}

// leftBehind tells of a way out that some ranks take while the others wait for them further on.
func leftBehind(f *training.File, x training.OneSidedLeave) diagnostics.Diagnostic {
	who, others := "Only the main process", "the others go on"
	switch x.Guard.Test {
	case training.LocalMain:
		who = "Only one process of each node"
	case training.OthersOut, training.MainOut:
		who, others = "All processes but the main one", "the main process goes on"
	}
	return diagnostics.Diagnostic{
		Place: training.FirstLine(x.Leave),
		Message: fmt.Sprintf("%s can leave here, and %s to `%s` in %s, which every process must call. That waits %s.",
			who, others, x.Joint.What, lineIn(f, x.Joint.Node, x.Leave), howLong(x.Joint)),
		Related: []diagnostics.Related{
			at(x.Guard.Frame.Cond, "the test that keeps the other processes out"), at(x.Joint.Node, "the call that every process must make"),
		},
	}
}

// howLong says how long a call waits for processes that do not come.
func howLong(g training.GroupCall) string {
	if g.Entry.Endless {
		return "for ever, since MPI has no timeout, or until a later exchange of the others is taken for it"
	}
	return "until the process group's timeout"
}

func inGuard(f *training.File, g training.GroupCall, guard training.Guard, site pyast.Node) diagnostics.Diagnostic {
	who, verb, it := "Only the main process", "reaches", "it waits for the others"
	switch guard.Test {
	case training.LocalMain:
		who = "Only one process of each node"
	case training.OthersOut, training.MainOut:
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
	d.Message = fmt.Sprintf("%s %s %s, which every process must call. %s %s.", who, verb, what, sentence(it), howLong(g))
	if !g.Certain {
		d.Severity = diagnostics.Warning
		d.Message = fmt.Sprintf("%s %s %s, which every process must call. Under DeepSpeed or FSDP %s until the "+
			"timeout, and without them the generator states of the other processes are not saved.", who, verb, what, it)
	}
	return d
}

// party is a call that only some ranks reach, and the rank tests around it.
type party struct {
	training.GroupCall
	guards []training.Guard
}

// alone are the calls behind rank tests for which the processes that are kept out have no call of their own: none behind the opposite test
// in the same function or class, and none elsewhere that is not paired there already.
func alone(f *training.File, all []training.GroupCall) []party {
	var some []party
	for _, g := range all {
		if guards := f.Guards(g.Frame); len(guards) > 0 && !nobody(guards) {
			some = append(some, party{g, guards})
		}
	}
	// unpaired are those that have no partner among others for which a further condition holds.
	unpaired := func(of []party, near func(a, b party) bool) []party {
		return slices.DeleteFunc(slices.Clone(of), func(p party) bool {
			return slices.ContainsFunc(of, func(o party) bool { return p.meets(o) && near(p, o) })
		})
	}
	return unpaired(unpaired(unpaired(some, party.opposite), party.beside), func(_, _ party) bool { return true })
}

// opposite reports whether two calls stand on the sides of tests in one call of a function: they wait for each other, and not for one
// that comes there from elsewhere.
func (p party) opposite(o party) bool {
	return slices.ContainsFunc(p.guards, func(a training.Guard) bool {
		return slices.ContainsFunc(o.guards, func(b training.Guard) bool { return a.Frame.Ctx == b.Frame.Ctx })
	})
}

// nobody reports whether tests leave no process: one lets the main process in, and a place is the other side of a second such test, as where
// a helper with a call on either side of its test is called under one. Two tests of their own may both fail in a program of one process.
func nobody(guards []training.Guard) bool {
	return slices.ContainsFunc(guards, func(g training.Guard) bool { return g.Test == training.MainOnly }) &&
		slices.ContainsFunc(guards, func(g training.Guard) bool { return g.Test.KeepsOut() && !g.Frame.Positive })
}

// meets reports whether the other party is what a party waits for: a call of the same sort behind the opposite test.
func (p party) meets(o party) bool {
	switch joint := p.Kind == torch.JointSave || p.Kind == torch.JointState; {
	case joint && (o.Node == p.Node || o.What != p.What), !joint && (o.Kind == torch.JointSave || o.Kind == torch.JointState):
		return false
	}
	if slices.ContainsFunc(p.guards, func(g training.Guard) bool { return g.Contradicts(o.Frame) }) {
		return true
	}
	main, others := p.sides()
	oMain, oOthers := o.sides()
	return main && oOthers || others && oMain
}

// beside reports whether two calls are tested for in one function, or in the methods of one class.
func (p party) beside(o party) bool {
	return slices.ContainsFunc(p.guards, func(a training.Guard) bool {
		return slices.ContainsFunc(o.guards, func(b training.Guard) bool {
			x, y := a.Frame.Ctx.Func, b.Frame.Ctx.Func
			return x == y || x.Class != nil && x.Class == y.Class
		})
	})
}

// sides says whether a test for the main process, and whether one for the others, stands around a call.
func (p party) sides() (main, others bool) {
	for _, guard := range p.guards {
		main = main || guard.Test == training.MainOnly || guard.Test == training.LocalMain
		others = others || guard.Test.KeepsOut()
	}
	return main, others
}
