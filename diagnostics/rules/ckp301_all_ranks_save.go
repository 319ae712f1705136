package rules

import (
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP301 all-ranks-save
//
// # What it does
//
// Reports a save that every process of a distributed run executes, to one and the same file. A copy of a checkpoint
// (shutil.copyfile and the like) and the save() of a compiled script count as well, and so does a plain file that every process opens for
// writing.
//
// # Why it matters
//
// The processes overwrite each other's file. Where their values differ (generator state, losses of their own shard, buffers
// that are not synchronised) the file can become a mixture of several writers that loads without any error; where the sizes
// differ it is unreadable. A process that reads it meanwhile finds half a file.
//
// # Example
//
//	import torch
//	import torch.distributed as dist
//	from torch.nn.parallel import DistributedDataParallel as DDP
//	from model import Net, loader
//
//	def main():
//	    dist.init_process_group("nccl")
//	    model = DDP(Net())
//	    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	    for epoch in range(10):
//	        for x, y in loader:
//	            optimizer.zero_grad()
//	            model(x).loss(y).backward()
//	            optimizer.step()
//	    torch.save(model.module.state_dict(), "final.pt")
//
// # Use instead
//
//	import torch
//	import torch.distributed as dist
//	from torch.nn.parallel import DistributedDataParallel as DDP
//	from model import Net, loader
//
//	def main():
//	    dist.init_process_group("nccl")
//	    model = DDP(Net())
//	    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
//	    for epoch in range(10):
//	        for x, y in loader:
//	            optimizer.zero_grad()
//	            model(x).loss(y).backward()
//	            optimizer.step()
//	    if dist.get_rank() == 0:
//	        torch.save(model.module.state_dict(), "final.pt")
//
// # Fix safety
//
// The fix is safe: one process writes the same file. It adds a barrier after the save only where another process reads the
// file next or the process group ends.
//
// # What it does not see
//
// A function that nothing in the file calls may be called on one rank only by another file: it is reported only if it starts
// the process group, wraps the model in DDP or trains the wrapped model itself, or is a hook of a Lightning module that asks for
// its rank anywhere. Files deleted by every rank. Data worked out where their file is not there yet are information.
//
// # Related rules
//
// `local-rank-guard`, `missing-barrier`, `mkdir-race`, `non-atomic-save`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/intermediate/ddp_tutorial.html#save-and-load-checkpoints
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP301", Name: "all-ranks-save", Summary: "Every rank writes the same file",
	Severity: diagnostics.Error, Fix: diagnostics.Safe, HasFix: true, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Warning, diagnostics.Information},
	Run:  allRanksSave,
})

func allRanksSave(p *diagnostics.Pass) {
	places := once{}
	for _, r := range p.File.Runs {
		for _, w := range r.Writes() {
			if e, ok := w.Distributed(); ok && !p.File.Guarded(w.Frame) && !w.Path.Rank && w.Path.Known && places.first(w.Node) {
				p.Report(diagnostics.Diagnostic{
					Severity: diagnostics.Warning, // most often the ranks write the same bytes
					Place:    training.FirstLine(w.Node),
					Message: fmt.Sprintf("Every rank writes %s (%s). The ranks overwrite each other, and one that reads it meanwhile finds half a file.",
						shown(w.Path), because(p.File, e, w.Node)),
					Related: []diagnostics.Related{at(e.Node, "several processes run this")},
				})
			}
		}
	}
	for _, r := range p.File.Runs {
		for _, w := range r.PlainWrites() {
			if places.first(w.Node) {
				p.Report(diagnostics.Diagnostic{
					Severity: diagnostics.Information, // most often the ranks write the same bytes
					Place:    training.FirstLine(w.Node),
					Message: fmt.Sprintf("Every rank writes %s (%s). The ranks empty the file for each other, and one that reads it meanwhile finds a part of it.",
						shown(w.Path), because(p.File, w.Several, w.Node)),
					Related: []diagnostics.Related{at(w.Several.Node, "several processes run this")},
				})
			}
		}
	}
	guarded := guardedCallers(p.File)
	for _, s := range p.File.Saves() {
		others := p.File.OthersTogether(s.Frame)
		if !s.Known || s.Collective || ownFile(s) || s.Dump() || p.File.Guarded(s.Frame) && !others {
			continue
		}
		e, ok := s.Distributed()
		if !ok {
			continue
		}
		site := training.WrongCall(s.Node, s.Ctx, guarded[s.Node])
		if !places.first(site) {
			continue
		}
		who := "Every rank"
		if others {
			who = "Every rank but the main one"
		}
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(site),
			Message: fmt.Sprintf("%s writes %s (%s). The ranks overwrite each other: the file can end up unreadable, or "+
				"as a mixture that loads without an error.", who, shown(s.Path), because(p.File, e, site)),
			Related: []diagnostics.Related{at(e.Node, "several processes run this")},
		}
		if site == s.Node && !s.Gathers() && !others {
			d.Remedies = []diagnostics.Remedy{diagnostics.GuardRank{Save: s, Barrier: s.Awaited() != nil}}
		} else if site != s.Node {
			d.Related = append(d.Related, at(s.Node, "the save, which other callers make on one rank only"))
		}
		if onInterrupt(s.Frame) {
			d.Severity = diagnostics.Warning
			d.Message = "Where all processes are interrupted, e" + d.Message[1:]
		}
		if e.Optional(s.Run) {
			d.Severity = diagnostics.Information
		}
		if s.Derived() && !holdsModel(s) && !s.HasKind(training.Optimizer) {
			d.Severity = diagnostics.Information // every rank works out the same, once
		}
		p.Report(d)
	}
}

// onInterrupt reports whether a place is come to only when the user interrupts the program.
func onInterrupt(fr *pysem.Frame) bool {
	for ; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameExcept && fr.Node.Nth(0).TextIs("KeyboardInterrupt") {
			return true
		}
	}
	return false
}

// guardedCallers are, for each save, the contexts in which a caller of the helper that makes it lets one rank through.
func guardedCallers(f *training.File) map[pyast.Node][]training.Right {
	out := map[pyast.Node][]training.Right{}
	for _, s := range f.Saves() {
		// A caller in a run of one process has nothing to let through, and is no better for that.
		if g := f.Guards(s.Frame); len(g) > 0 && g[0].Test != training.NoRanks && g[0].Frame.Ctx != s.Ctx {
			out[s.Node] = append(out[s.Node], training.Right{Ctx: s.Ctx, From: g[0].Frame.Ctx})
		}
	}
	return out
}

// ownFile reports whether each process may have a file of its own: its rank, a temporary name, or a name that is made of values called so.
// A word in the name's own text is the same for all.
func ownFile(s *training.SaveSite) bool {
	if s.Path.Rank || s.Path.Buffer {
		return true
	}
	if !s.Path.Known && (s.Path.Value.Kind == pysem.Call || s.Path.Value.Kind == pysem.Unknown) {
		return true // made out of sight
	}
	if !holdsModel(s) && !s.Path.Same() {
		return true // data of which each rank writes its share, item by item
	}
	name := strings.ToLower(training.NamesIn(s.Path.Node) + " " + training.NamesIn(s.Path.Value.Node))
	for _, word := range []string{"rank", "worker", "shard", "tempfile", "tmp_path", "getpid", "gethostname", "partition"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
