package rules

import (
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP302 local-rank-guard
//
// # What it does
//
// Reports a checkpoint that is written, or a checkpoint saver that is made, by whichever process is the first of its node:
// under `local_rank == 0`, `LOCAL_RANK` or `is_local_main_process`, or by an object that only this process makes.
//
// # Why it matters
//
// The local rank counts the processes of one node. With two nodes two processes have local rank 0, and both write the file. On
// a disk that the nodes share they overwrite each other, and one that reads the file meanwhile finds half of it.
//
// # Example
//
//	import os
//	import torch
//	import torch.distributed as dist
//	from model import Net
//
//	def main():
//	    dist.init_process_group("nccl")
//	    model = Net()
//	    local_rank = int(os.environ["LOCAL_RANK"])
//	    if local_rank == 0:
//	        torch.save(model.state_dict(), "last.pt")
//
// # Use instead
//
//	import os
//	import torch
//	import torch.distributed as dist
//	from model import Net
//
//	def main():
//	    dist.init_process_group("nccl")
//	    model = Net()
//	    local_rank = int(os.environ["LOCAL_RANK"])
//	    if dist.get_rank() == 0:
//	        torch.save(model.state_dict(), "last.pt")
//
// # Fix safety
//
// The fix asks for the rank among all processes. It is unsafe: where each node has a disk of its own, the other nodes no longer
// have the file.
//
// # What it does not see
//
// Whether the program ever runs on more than one node, and whether the nodes share a disk: so the severity is information. It is
// silent where the other branch of the test has the first process of all nodes write, so that somebody chooses,
// where the process group shows that there is one node, where the file's name holds the node or the rank, and for
// `rank % gpus_per_node == 0`, which asks for one process of each node on purpose.
//
// # Related rules
//
// `all-ranks-save`, `missing-barrier`, `node-local-path`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/elastic/run.html#environment-variables
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP302", Name: "local-rank-guard", Summary: "One process of each node writes the same file",
	Severity: diagnostics.Information, Fix: diagnostics.Unsafe, HasFix: true, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Hint},
	Run:  localRankGuard,
})

func localRankGuard(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	var found nodeWrites
	for _, r := range p.File.Runs {
		for _, s := range r.Saves {
			if !s.Collective && (s.Known || s.Foreign) && !plainData(s) && shared(s.Path) {
				found.add(s.Call, "writes "+shown(s.Path)+", at the same time where they share the disk")
			}
		}
		for _, w := range r.Writes() {
			if shared(w.Path) {
				found.add(w.Call, "writes "+shown(w.Path)+", at the same time where they share the disk")
			}
		}
		for _, c := range r.SaverObjects() {
			name := lastName(c.Node.Child(pyast.FieldFunction).Text())
			found.add(c, "makes a `"+name+"`, and these write to one directory where they share the disk")
		}
	}
	places := once{}
	for _, w := range found {
		place := w.place()
		if !places.first(place) {
			continue // a checkpoint and its copy, written by one call
		}
		_, grouped := w.call.Distributed()
		d := diagnostics.Diagnostic{
			Place:    training.FirstLine(place),
			Message:  fmt.Sprintf("`%s` lets one process of each node through. With several nodes each of them %s.", shortened(w.test()), w.does),
			Related:  []diagnostics.Related{at(w.guard.Asks, "the rank within the node is tested here")},
			Remedies: []diagnostics.Remedy{diagnostics.GlobalRank{Test: w.guard.Asks, Grouped: grouped}},
		}
		if place != w.call.Node {
			d.Related = append(d.Related, at(w.call.Node, "the file is written here"))
		}
		if w.guard.Spare {
			d.Severity = diagnostics.Hint // the callers in sight ask for the right rank
		}
		p.Report(d)
	}
}

// nodeWrite is a write that one process of each node makes.
type nodeWrite struct {
	call  *training.Call
	guard training.NodeGuard
	does  string
}

// test is the test as it is written in the function that it stands in.
func (w nodeWrite) test() pyast.Node {
	if cond := w.guard.Frame.Cond; cond.Tree() != w.guard.Asks.Tree() {
		return cond
	}
	return w.guard.Asks
}

// place is where the finding belongs: the writing call, or the one that leads to it in the function of the test, or the
// construction of the object that writes.
func (w nodeWrite) place() pyast.Node {
	if w.guard.Made.Valid() {
		return w.guard.Made
	}
	return training.Seen(w.call.Node, w.call.Ctx, w.guard.Frame.Ctx)
}

// nodeWrites are such writes, one for each place: with the callers in sight rather than without, and of these one that nothing
// else guards.
type nodeWrites []nodeWrite

func (all *nodeWrites) add(c *training.Call, does string) {
	g, ok := c.Run.NodeGuard(c.Frame)
	if !ok {
		return
	}
	w := nodeWrite{c, g, does}
	i := slices.IndexFunc(*all, func(o nodeWrite) bool { return o.call.Node == c.Node })
	if i < 0 {
		*all = append(*all, w)
		return
	}
	before := (*all)[i]
	if before.call.Ctx.Root() && !c.Ctx.Root() || before.guard.Spare && !g.Spare && !c.Ctx.Root() {
		(*all)[i] = w
	}
}

// plainData says that a save writes no state of a model or anything else that trains, as a cache of the data.
func plainData(s *training.SaveSite) bool {
	return s.Kind == training.PayloadOther || s.Kind == training.PayloadDict && !s.Open && !holdsModel(s) && !s.HasKind(training.Optimizer)
}

// shared says that processes on different nodes may name the same file.
func shared(path *training.Path) bool {
	return !path.Rank && !path.Buffer && !path.OfNode() && path.NodeLocal() == ""
}
