package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP311 mkdir-race
//
// # What it does
//
// Reports a directory that rank 0 makes and that every rank writes into next, with nothing in between that makes the other ranks
// wait; and one that every rank makes by a call that raises where it is there already.
//
// # Why it matters
//
// A rank that gets there first finds no directory, and its write raises. It happens on the first run only, when
// the directory is not there yet, and not always. Where every rank makes the directory, the second one to do so raises
// FileExistsError, also when each asks first whether it is there: another rank can make it in between.
//
// # Example
//
//	import os
//	import torch
//	import torch.distributed as dist
//	from model import Net
//
//	def main(out):
//	    dist.init_process_group("nccl")
//	    model = Net()
//	    if dist.get_rank() == 0:
//	        os.makedirs(out)
//	    torch.save(model.state_dict(), os.path.join(out, f"rank{dist.get_rank()}.pt"))
//
// # Use instead
//
//	import os
//	import torch
//	import torch.distributed as dist
//	from model import Net
//
//	def main(out):
//	    dist.init_process_group("nccl")
//	    model = Net()
//	    os.makedirs(out, exist_ok=True)
//	    torch.save(model.state_dict(), os.path.join(out, f"rank{dist.get_rank()}.pt"))
//
// # Fix safety
//
// The fix makes the directory on every rank, with exist_ok=True, where the rank test holds nothing else; otherwise it puts a barrier
// after the test, if the process group exists there. Both are unsafe: where every rank makes the directory it appears on each
// node's own disk too, and a barrier must be reached by every rank. Where every rank makes the directory, the fix is exist_ok=True: an
// unsafe one as well, because the directory of an earlier run is then used again.
//
// # What it does not see
//
// Functions of other files between the two calls may wait for the others: where their names say so (setup, prepare,
// init_distributed), the rule is silent.
//
// # Related rules
//
// `all-ranks-save`, `missing-barrier`
//
// # References
//
//   - https://docs.python.org/3/library/os.html#os.makedirs
//   - https://docs.pytorch.org/docs/stable/distributed.html#torch.distributed.barrier
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP311", Name: "mkdir-race", Summary: "Every rank writes into a directory that rank 0 may not have made yet",
	Severity: diagnostics.Information, Fix: diagnostics.Unsafe, HasFix: true, Since: "0.1.0",
	Run: mkdirRace,
})

func mkdirRace(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	places := once{}
	for _, r := range p.File.Runs {
		for _, x := range r.UnsureDirectories() {
			if places.first(x.Make.Node) {
				p.Report(madeByAll(p.File, x))
			}
		}
		for _, x := range r.RacedDirectories() {
			if !places.first(x.Make.Node) {
				continue
			}
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(x.Make.Node),
				Message: fmt.Sprintf("One rank makes %s, and every rank writes into it at %s without waiting. For a faster rank the "+
					"directory is missing, and the write raises.", shown(x.Path), lineIn(p.File, x.Use.Node, x.Make.Node)),
				Related:  []diagnostics.Related{at(x.Use.Node, "every rank writes here"), at(x.Several.Node, "several processes run this")},
				Remedies: directoryFixes(x),
			})
		}
	}
}

func directoryFixes(x training.RacedDirectory) []diagnostics.Remedy {
	out := []diagnostics.Remedy{diagnostics.MakeEverywhere{Call: x.Make.Node, Guard: x.Guard.Frame}}
	frame := x.Guard.Frame
	if x.Grouped && frame.Kind == pysem.FrameIf && !frame.Early && frame.Node.Kind() == pyast.KindIfStatement {
		out = append(out, diagnostics.AddBarrier{After: frame.Node, Started: x.Make.GroupStarted(), Reason: "every rank must come by here"})
	}
	return out
}

// madeByAll tells of a directory that each rank makes by a call that raises where another rank was first.
func madeByAll(f *training.File, x training.UnsureDirectory) diagnostics.Diagnostic {
	how := "Every rank makes %s (%s), and this call raises FileExistsError on all but the first."
	if x.Asked {
		how = "Every rank asks for %s and makes it (%s). Of two that ask at once, the second one raises FileExistsError."
	}
	d := diagnostics.Diagnostic{
		Place:   training.FirstLine(x.Make.Node),
		Message: fmt.Sprintf(how, shown(x.Path), because(f, x.Several, x.Make.Node)),
		Related: []diagnostics.Related{at(x.Several.Node, "several processes run this")},
	}
	if x.Make.Callee != "os.mkdir" {
		d.Remedies = []diagnostics.Remedy{diagnostics.SetKeyword{
			Title: "Let the directory be there already", Call: x.Make.Node, Name: "exist_ok", Value: "True", Reason: "a directory of an earlier run is used again without a word",
		}}
	}
	return d
}
