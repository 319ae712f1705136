package rules

import (
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP303 missing-barrier
//
// # What it does
//
// Reports a file that one rank writes and the others read next, or after which the process group is torn down, with nothing in
// between that makes the other ranks wait. A directory that one rank makes and all write into next is reported alike, and old checkpoints
// that one rank removes right after each rank has written its part of the new one.
//
// # Why it matters
//
// The other ranks do not run the save and get to the read at once: the file is missing, empty or half written. A barrier is
// needed there, after the save; one before it is not needed. Where the process group is torn down instead, that is an
// information: the processes should end it together, but a quick save does no harm.
//
// # Example
//
//	import torch
//	import torch.distributed as dist
//	from torch.nn.parallel import DistributedDataParallel as DDP
//	from model import Net
//
//	def main():
//	    dist.init_process_group("nccl")
//	    model = Net()
//	    if dist.get_rank() == 0:
//	        torch.save(model.state_dict(), "initial.pt")
//	    model.load_state_dict(torch.load("initial.pt", map_location="cpu", weights_only=True))
//	    model = DDP(model)
//
// # Use instead
//
//	import torch
//	import torch.distributed as dist
//	from torch.nn.parallel import DistributedDataParallel as DDP
//	from model import Net
//
//	def main():
//	    dist.init_process_group("nccl")
//	    model = Net()
//	    if dist.get_rank() == 0:
//	        torch.save(model.state_dict(), "initial.pt")
//	    dist.barrier()
//	    model.load_state_dict(torch.load("initial.pt", map_location="cpu", weights_only=True))
//	    model = DDP(model)
//
// # Fix safety
//
// The fix is safe: it adds a barrier after the test of the rank, which every process reaches. There is none in a function that
// another program at hand calls on some ranks only.
//
// # What it does not see
//
// Reads in another program or file, and functions of other files between the two, which may hold a barrier: where their name
// says so (synchronize, evaluate), the rule is silent.
//
// # Related rules
//
// `all-ranks-save`, `collective-in-rank-guard`, `rank-divergent-exists`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/intermediate/ddp_tutorial.html#save-and-load-checkpoints
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP303", Name: "missing-barrier", Summary: "The other ranks go on before rank 0 has written the file they need",
	Severity: diagnostics.Warning, Fix: diagnostics.Safe, HasFix: true, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  missingBarrier,
})

func missingBarrier(p *diagnostics.Pass) {
	unmadeDirectories(p)
	earlyRemovals(p)
	places, barriers := once{}, once{}
	for _, s := range p.File.Saves() {
		if s.Collective || s.Path.Rank || s.Path.Buffer || !s.Known {
			continue
		}
		guard, ok := p.File.OneProcess(s.Frame)
		if !ok {
			continue
		}
		if _, ok := s.Distributed(); !ok {
			continue
		}
		next := s.Awaited()
		if next == nil || guard.Frame.Node.Encloses(next.Node) || !places.first(s.Node) {
			continue
		}
		if place := behind(guard, s.Ctx); place.Valid() && !barriers.first(place) {
			continue // one barrier is behind all that is written there
		}
		what, related, severity := "the other ranks load it", "every rank reads the file here", diagnostics.Warning
		if strings.HasSuffix(next.Callee, "destroy_process_group") {
			// The main process is late for that by the time of the save, and nothing more.
			what, related, severity = "the other ranks end the process group", "the process group ends here", diagnostics.Information
		}
		d := diagnostics.Diagnostic{
			Severity: severity,
			Place:    training.FirstLine(s.Node),
			Message: fmt.Sprintf("Only one rank writes %s, and %s at %s without waiting for it. A barrier is missing after the save.",
				shown(s.Path), what, lineIn(p.File, next.Node, s.Node)),
			Related: []diagnostics.Related{at(next.Node, related)},
		}
		if place := behind(guard, s.Ctx); place.Valid() {
			d.Remedies = []diagnostics.Remedy{diagnostics.AddBarrier{After: place, Started: s.GroupStarted()}}
		}
		p.Report(d)
	}
}

// unmadeDirectories reports directories that one rank makes while the others already write into them.
func unmadeDirectories(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	places := once{}
	for _, r := range p.File.Runs {
		for _, m := range r.MadeDirectories() {
			if !places.first(m.Made.Node) {
				continue
			}
			d := diagnostics.Diagnostic{
				Place: training.FirstLine(m.Made.Node),
				Message: fmt.Sprintf("Only one rank makes `%s`, and every rank opens a file in it at %s without waiting for it. Where the "+
					"directory is not there yet, that raises. A barrier is missing in between.", shortened(m.Dir), lineIn(p.File, m.Used.Node, m.Made.Node)),
				Related: []diagnostics.Related{at(m.Used.Node, "every rank writes into the directory here")},
			}
			_, grouped := m.Made.Distributed() // without a process group a barrier raises
			if place := behind(m.Guard, m.Made.Ctx); place.Valid() && grouped {
				d.Remedies = []diagnostics.Remedy{diagnostics.AddBarrier{After: place, Started: m.Made.GroupStarted()}}
			}
			p.Report(d)
		}
	}
}

// earlyRemovals tells of what one rank removes while the others may still write beside it.
func earlyRemovals(p *diagnostics.Pass) {
	places := once{}
	for _, r := range p.File.Runs {
		for _, x := range r.EarlyRemovals() {
			if !places.first(x.Node) {
				continue
			}
			p.Report(diagnostics.Diagnostic{
				Severity: diagnostics.Information, // a rank must be late by as many checkpoints as are kept
				Place:    training.FirstLine(x.Node),
				Message: fmt.Sprintf("One rank removes old checkpoints without waiting for the others, each of which writes its own part (%s). One that is late may "+
					"still be writing or reading what is removed.", lineIn(p.File, x.Save.Node, x.Node)),
				Related: []diagnostics.Related{at(x.Save.Node, "every rank writes its part here"), at(x.Guard.Frame.Cond, "the test that lets one rank go on to remove")},
			})
		}
	}
}

// behind is the statement behind which every process comes by: the test itself, or, where a function returns early on the other
// ranks, the call of that function.
func behind(g training.Guard, ctx *pysem.Ctx) pyast.Node {
	n := g.Frame.Node
	if g.Frame.Kind == pysem.FrameDecorator {
		n = ctx.Call
	} else if g.Frame.Early {
		n = g.Frame.Ctx.Call
	}
	for n.Valid() && !n.Parent().Is(pyast.KindBlock, pyast.KindModule) {
		n = n.Parent()
	}
	return n
}
