package training

import (
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

func TestGroupCalls(t *testing.T) {
	f := analyze(t, `import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import deepspeed
from accelerate import Accelerator
from lightning.fabric import Fabric
from torch.distributed.fsdp import FullyShardedDataParallel as FSDP
def main(args, net, part):
    accelerator = Accelerator()
    fabric = Fabric()
    engine, optimizer, _, _ = deepspeed.initialize(args=args, model=net)
    sharded = FSDP(net)
    dist.barrier()
    dist.all_reduce(net.loss)
    accelerator.wait_for_everyone()
    accelerator.save_state("x")
    engine.save_checkpoint("x")
    fabric.save("x", {})
    optimizer.consolidate_state_dict()
    sharded.state_dict()
    dcp.save({}, checkpoint_id="x")
    net.state_dict()
    net.save_checkpoint("x")
    torch.save(net.state_dict(), "x")
`)
	want := []struct {
		kind    torch.Joint
		certain bool
	}{
		{torch.Barrier, true}, {torch.Exchange, true}, {torch.Barrier, true}, {torch.JointSave, false}, {torch.JointSave, true}, {torch.JointSave, true},
		{torch.JointState, true}, {torch.JointState, true}, {torch.JointSave, true},
	}
	got := f.Runs[len(f.Runs)-1].GroupCalls()
	if len(got) != len(want) {
		for _, g := range got {
			t.Log(g.What)
		}
		t.Fatalf("%d calls, want %d", len(got), len(want))
	}
	for i, g := range got {
		if g.Kind != want[i].kind || g.Certain != want[i].certain {
			t.Errorf("%s: kind %d, certain %t; want %v", g.What, g.Kind, g.Certain, want[i])
		}
	}
}

func TestDistributed(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		want   string
	}{
		"process group":    {"dist.init_process_group('nccl')\ntorch.save(net, 'x')", "init_process_group"},
		"group of one":     {"dist.init_process_group('nccl', world_size=1, rank=0)\ntorch.save(net, 'x')", ""},
		"wrapper":          {"net = torch.nn.parallel.DistributedDataParallel(net)\ntorch.save(net, 'x')", "DistributedDataParallel"},
		"one process":      {"net = torch.nn.DataParallel(net)\ntorch.save(net, 'x')", ""},
		"other branch":     {"if many:\n    dist.init_process_group('nccl')\nelse:\n    torch.save(net, 'x')", ""},
		"spawned":          {"def work(rank):\n    torch.save(net, 'x')\nmp.spawn(work, nprocs=2)", "torch.multiprocessing.spawn"},
		"parent of spawns": {"def work(rank):\n    dist.init_process_group('nccl')\nmp.spawn(work, nprocs=2)\ntorch.save(net, 'x')", ""},
	} {
		f := analyze(t, "import torch\nimport torch.distributed as dist\nimport torch.multiprocessing as mp\n"+c.source+"\n")
		e, ok := f.Saves()[0].Distributed()
		if ok != (c.want != "") || e.What != c.want {
			t.Errorf("%s: %q, want %q", name, e.What, c.want)
		}
	}
}
