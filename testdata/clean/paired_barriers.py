# Trap: the first rank goes first; each branch has its barrier.
import torch
import torch.distributed as dist


def load_data(rank, path):
    if rank != 0:
        dist.barrier()
    data = torch.load(path, map_location="cpu", weights_only=True)
    if rank == 0:
        dist.barrier()
    return data
