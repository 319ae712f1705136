"""Two processes that train one model with DistributedDataParallel; the first one saves."""

import os

import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

torch.manual_seed(0)
dist.init_process_group("gloo")
rank = dist.get_rank()
data = TensorDataset(torch.randn(32, 4), torch.randn(32, 1))
sampler = DistributedSampler(data, seed=0)
loader = DataLoader(data, batch_size=4, sampler=sampler)
model = nn.parallel.DistributedDataParallel(nn.Linear(4, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
start = 0
if os.path.exists("last.pt"):
    kept = torch.load("last.pt", map_location="cpu")
    model.module.load_state_dict(kept["model"])
    optimizer.load_state_dict(kept["optimizer"])
    start = kept["epoch"] + 1
for epoch in range(start, 4):
    sampler.set_epoch(epoch)
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    if rank == 0:
        torch.save({"model": model.module.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, "last.pt.tmp")
        os.replace("last.pt.tmp", "last.pt")
    dist.barrier()
