# Trap: the rank test is a boolean variable, and rotation is in the file.
import os

import torch
import torch.distributed as dist
import torch.nn as nn
from torch.nn.parallel import DistributedDataParallel


def train(model, loader, sampler, epochs):
    is_main = dist.get_rank() == 0
    ddp = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(ddp.parameters())
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.mse_loss(ddp(x), y).backward()
            optimizer.step()
        if is_main:
            torch.save({"epoch": epoch, "model": ddp.module.state_dict(), "optimizer": optimizer.state_dict()}, f"epoch_{epoch:04d}.pt")
            old = f"epoch_{epoch - 3:04d}.pt"
            if os.path.exists(old):
                os.remove(old)
