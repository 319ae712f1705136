"""A training script that resumes exactly, but for what --lose names."""

import argparse
import copy
import os
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--resume", default="")
parser.add_argument("--lose", default="")
parser.add_argument("--unseeded", default="")
args = parser.parse_args()

if args.unseeded != "torch":
    torch.manual_seed(0)
if args.unseeded != "numpy":
    np.random.seed(0)
random.seed(0)


class Noisy(Dataset):
    def __init__(self):
        generator = torch.Generator().manual_seed(1)
        self.x, self.y = torch.randn(16, 4, generator=generator), torch.randn(16, 1, generator=generator)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i] + random.gauss(0, 0.1), self.y[i]


loader = DataLoader(Noisy(), batch_size=4, shuffle=True)
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 1))
average = copy.deepcopy(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.1)
start, best = 0, 0.0

if args.resume:
    kept = torch.load(args.resume, **({"weights_only": False} if torch.__version__ >= "2.6" else {}))
    lose = args.lose
    if lose != "model":
        model.load_state_dict(kept["model"])
    if lose != "average":
        average.load_state_dict(kept["average"])
    if lose != "optimizer":
        optimizer.load_state_dict(kept["optimizer"])
    if lose != "scheduler":
        scheduler.load_state_dict(kept["scheduler"])
    if lose != "best":
        best = kept["best"]
    start = 0 if lose == "progress" else kept["epoch"] + (0 if lose == "one epoch" else 1)
    if lose != "torch":
        torch.set_rng_state(kept["torch"])
    if lose != "numpy":
        np.random.set_state(kept["numpy"])
    if lose != "random":
        random.setstate(kept["random"])

for epoch in range(start, args.epochs):
    for x, y in loader:
        x = x + torch.from_numpy(np.random.normal(0, 0.1, x.shape)).float()
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for a, p in zip(average.parameters(), model.parameters()):
                a.mul_(0.9).add_(p, alpha=0.1)
    scheduler.step()
    best = max(best, loss.item())
    torch.save(
        {
            "model": model.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(), "epoch": epoch, "best": best, "torch": torch.get_rng_state(),
            "numpy": np.random.get_state(), "random": random.getstate(),
        },
        "last.pt.tmp",
    )
    os.replace("last.pt.tmp", "last.pt")
