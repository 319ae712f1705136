package training

import (
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// program puts a guard around a save; SAVE stands for the save.
func program(body string) string {
	body = strings.ReplaceAll(body, "SAVE", "torch.save(model.state_dict(), 'm.pt')")
	return `import os, torch
import torch.distributed as dist
from accelerate import Accelerator
accelerator = Accelerator()
def get_rank():
    if not dist.is_initialized():
        return 0
    return dist.get_rank()
def is_master(args):
    return args.rank % 8 == 0
def first():
    return dist.get_rank() == 0
def main(model, args, rank, local_rank, world_size, epoch, ngpus_per_node, lora_rank):
    ` + strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n    ") + "\n"
}

func analyze(t *testing.T, source string) *File {
	t.Helper()
	tree, err := pyast.Parse([]byte(source))
	if err != nil || tree.HasErrors() {
		t.Fatalf("parse: %v\n%s", err, source)
	}
	return Analyze("test.py", tree)
}

func TestGuards(t *testing.T) {
	for _, c := range []struct {
		body string
		want RankTest
	}{
		{"SAVE", AnyRank},
		{"if epoch % 10 == 0:\n    SAVE", AnyRank},
		{"if rank == 0:\n    SAVE", MainOnly},
		{"if 0 == rank:\n    SAVE", MainOnly},
		{"if args.rank <= 0:\n    SAVE", MainOnly},
		{"if rank < 1 and epoch % 2 == 0:\n    SAVE", MainOnly},
		{"if not rank:\n    SAVE", MainOnly},
		{"if rank:\n    SAVE", OthersOut},
		{"if rank != 0:\n    SAVE", OthersOut},
		{"if rank > 0:\n    pass\nelse:\n    SAVE", MainOnly},
		{"if rank == 0:\n    pass\nelse:\n    SAVE", OthersOut},
		{"if rank == 0 and epoch > 3:\n    pass\nelse:\n    SAVE", AnyRank},
		{"if rank in (-1, 0):\n    SAVE", MainOnly},
		{"if args.global_rank in [-1, 0]:\n    SAVE", MainOnly},
		{"if rank in {-1, 0}:\n    SAVE", MainOnly},
		{"if rank not in (-1, 0):\n    return\nSAVE", MainOnly},
		{"if rank in (0, 1):\n    SAVE", AnyRank},
		{"if local_rank in [-1, 0]:\n    SAVE", LocalMain},
		{"if local_rank == 0:\n    SAVE", LocalMain},
		{"r = int(os.environ['LOCAL_RANK'])\nif r == 0:\n    SAVE", LocalMain},
		{"r = int(os.environ['RANK'])\nmaster_process = r == 0\nif master_process:\n    SAVE", MainOnly},
		{"if int(os.environ.get('RANK', 0)) == 0:\n    SAVE", MainOnly},
		{"if dist.get_rank() == 0:\n    SAVE", MainOnly},
		{"if torch.distributed.get_rank() == 0:\n    SAVE", MainOnly},
		{"if get_rank() == 0:\n    SAVE", MainOnly},
		{"if first():\n    SAVE", MainOnly},
		{"if is_master(args):\n    SAVE", LocalMain},
		{"if utils.is_main_process():\n    SAVE", MainOnly},
		{"if accelerator.is_main_process:\n    SAVE", MainOnly},
		{"if accelerator.is_local_main_process:\n    SAVE", LocalMain},
		{"if trainer.is_global_zero:\n    SAVE", MainOnly},
		{"if accelerator.process_index == 0:\n    SAVE", MainOnly},
		{"if args.save_logs:\n    SAVE", MainOnly},
		{"if not is_main_process():\n    return\nSAVE", MainOnly},
		{"if rank != 0:\n    return\nSAVE", MainOnly},
		{"if rank != 0 or not args.save:\n    return\nSAVE", MainOnly},
		{"if args.distributed and rank != 0:\n    return\nSAVE", MainOnly},
		{"if rank == 0:\n    return\nSAVE", OthersOut},
		{"assert rank == 0\nSAVE", MainOnly},
		{"if rank % ngpus_per_node == 0:\n    SAVE", LocalMain},
		{"if not args.multiprocessing_distributed or (args.multiprocessing_distributed and rank % ngpus_per_node == 0):\n    SAVE", LocalMain},
		{"if not dist.is_initialized() or dist.get_rank() == 0:\n    SAVE", MainOnly},
		{"if rank == -1 or dist.get_rank() == 0:\n    SAVE", MainOnly},
		{"if not args.distributed:\n    SAVE", NoRanks},
		{"if args.distributed:\n    SAVE", AnyRank},
		{"if args.distributed:\n    pass\nelse:\n    SAVE", NoRanks},
		{"if world_size == 1:\n    SAVE", NoRanks},
		{"if world_size > 1:\n    SAVE", AnyRank},
		{"if rank == -1:\n    SAVE", NoRanks},
		{"if rank is None:\n    SAVE", NoRanks},
		{"if args.local_rank == None:\n    SAVE", NoRanks},
		{"if rank is not None:\n    SAVE", AnyRank},
		{"if args.gpu is None:\n    SAVE", AnyRank},
		{"if rank is not None:\n    pass\nelse:\n    SAVE", NoRanks},
		{"if rank is None or rank == 0:\n    SAVE", MainOnly},
		{"if rank == 0 or args.save_everywhere:\n    SAVE", AnyRank},
		{"if (rank == 0) == True:\n    SAVE", MainOnly},
		{"if (rank == 0) is False:\n    return\nSAVE", MainOnly},
		{"if rank == args.saver_rank:\n    SAVE", MainOnly},
		{"if rank == world_size - 1:\n    SAVE", MainOnly},
		{"if lora_rank == 0:\n    SAVE", AnyRank},
		{"if args.node_rank == 0:\n    SAVE", AnyRank},
		{"if args.main_process_only:\n    SAVE", AnyRank},
		{"rank == 0 and SAVE", MainOnly},
		{"SAVE if rank == 0 else None", MainOnly},
		{"writer = Writer() if rank == 0 else None\nif writer is not None:\n    SAVE", MainOnly},
		{"writer = None\nif rank == 0:\n    writer = Writer()\nif writer:\n    SAVE", MainOnly},
		{"for e in range(9):\n    if rank != 0:\n        continue\n    SAVE", MainOnly},
	} {
		f := analyze(t, program(c.body))
		saves := f.Saves()
		if len(saves) != 1 {
			t.Errorf("%d saves, want 1:\n%s", len(saves), c.body)
			continue
		}
		got := AnyRank
		if g := f.Guards(saves[0].Frame); len(g) > 0 {
			got = g[0].Test
		}
		if got != c.want {
			t.Errorf("guard %d, want %d:\n%s", got, c.want, c.body)
		}
	}
}

func TestGuardsAcrossCalls(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		want   bool
	}{
		"caller": {`import torch
def save(m): torch.save(m.state_dict(), "m.pt")
def main(rank, m):
    if rank == 0:
        save(m)
`, true},
		"unguarded caller": {`import torch
def save(m): torch.save(m.state_dict(), "m.pt")
def main(rank, m):
    save(m)
`, false},
		"decorator": {`import torch
from lightning.pytorch.utilities import rank_zero_only
@rank_zero_only
def save(m): torch.save(m.state_dict(), "m.pt")
save(net)
`, true},
		"method flag": {`import torch
class Trainer:
    def __init__(self, rank, m):
        self.main = rank == 0
        self.m = m
    def save(self): torch.save(self.m.state_dict(), "m.pt")
    def train(self):
        if self.main:
            self.save()
`, true},
		"spawned rank of any name": {`import torch
import torch.multiprocessing as mp
def work(device, m):
    if device == 0:
        torch.save(m.state_dict(), "m.pt")
mp.spawn(work, nprocs=4, args=(m,))
`, true},
	} {
		f := analyze(t, c.source)
		for _, s := range f.Saves() {
			if got := f.OneWriter(s.Frame); got != c.want {
				t.Errorf("%s: one writer = %t, want %t", name, got, c.want)
			}
		}
		if len(f.Saves()) == 0 {
			t.Errorf("%s: no save seen", name)
		}
	}
}
