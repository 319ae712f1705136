"""Trains with Accelerate, which saves model, optimizer, scheduler and generators into folders."""

import json
import os

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

set_seed(0)
accelerator = Accelerator(cpu=True)
data = TensorDataset(torch.randn(32, 4), torch.randn(32, 1))
loader = DataLoader(data, batch_size=4, shuffle=True)
model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.1), nn.Linear(8, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 8, gamma=0.5)
model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
start = 0
if os.path.exists("last.json"):
    with open("last.json") as f:
        last = json.load(f)["epoch"]
    accelerator.load_state(f"state/{last}")
    start = last + 1
for epoch in range(start, 4):
    for x, y in loader:
        loss = nn.functional.mse_loss(model(x), y)
        accelerator.backward(loss)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    accelerator.save_state(f"state/{epoch}")
    with open("last.json.tmp", "w") as f:
        json.dump({"epoch": epoch}, f)
    os.replace("last.json.tmp", "last.json")
