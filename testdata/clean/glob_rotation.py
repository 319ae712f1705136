# Trap: rotation by glob, sorted by the number in the name.
import glob
import os
import re

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
data = TensorDataset(torch.randn(32, 4), torch.randn(32, 1))
loader = DataLoader(data, batch_size=8, shuffle=True)
model = nn.Linear(4, 1)
optimizer = torch.optim.Adam(model.parameters())
for epoch in range(50):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, f"ckpt_{epoch}.pt")
    files = sorted(glob.glob("ckpt_*.pt"), key=lambda path: int(re.findall(r"\d+", path)[-1]))
    for path in files[: max(0, len(files) - 3)]:
        os.remove(path)
