package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP308 node-local-path
//
// # What it does
//
// Reports a checkpoint that a program of several processes resumes from, and writes under /tmp, /dev/shm or another directory that
// each machine has to itself.
//
// # Why it matters
//
// The file is on the machine of the process that wrote it. Ranks on other nodes do not find it, or find one of an earlier run;
// nor does a run that the scheduler starts again elsewhere. Such directories are emptied at a restart or at the end of a job as
// well.
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
//	    checkpoint = torch.load("/tmp/last.pt", map_location="cpu", weights_only=True)
//	    model.load_state_dict(checkpoint["model"])
//	    optimizer.load_state_dict(checkpoint["optimizer"])
//	    for epoch in range(checkpoint["epoch"], 10):
//	        for x, y in loader:
//	            optimizer.zero_grad()
//	            model(x).loss(y).backward()
//	            optimizer.step()
//	        if dist.get_rank() == 0:
//	            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}, "/tmp/last.pt")
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
//	    checkpoint = torch.load("/shared/run1/last.pt", map_location="cpu", weights_only=True)
//	    model.load_state_dict(checkpoint["model"])
//	    optimizer.load_state_dict(checkpoint["optimizer"])
//	    for epoch in range(checkpoint["epoch"], 10):
//	        for x, y in loader:
//	            optimizer.zero_grad()
//	            model(x).loss(y).backward()
//	            optimizer.step()
//	        if dist.get_rank() == 0:
//	            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}, "/shared/run1/last.pt")
//
// # Fix safety
//
// There is no fix: only you know a directory that all nodes share.
//
// # What it does not see
//
// Directories whose names do not tell that they are local. It is silent where the program runs on one node as far as it tells (it
// spawns its processes itself, or meets on localhost), where the file is removed, copied or uploaded, and in tests.
//
// # Related rules
//
// `local-rank-guard`, `rank-divergent-exists`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/elastic/run.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP308", Name: "node-local-path", Summary: "A distributed run resumes from a file on the disk of one node",
	Severity: diagnostics.Warning, Since: "0.1.0",
	Run: nodeLocalPath,
})

func nodeLocalPath(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	places := once{}
	for _, x := range p.File.NodeLocalSaves() {
		if !places.first(x.Save.Node) {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(x.Save.Node),
			Message: fmt.Sprintf("Training resumes from %s, and `%s` is a directory of the one machine that writes it. Ranks on other nodes, and a run that "+
				"is started again elsewhere, do not find the file.", shown(x.Save.Path), x.Disk),
			Related: append(loadedHere(x.Load), at(x.Several.Node, "several processes run this")),
		})
	}
}
