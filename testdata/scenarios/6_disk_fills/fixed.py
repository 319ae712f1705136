import glob
import os
import re

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def keep_last(pattern, count):
    """Remove all but the `count` files with the highest numbers in their names, and none that is called best."""
    files = [path for path in glob.glob(str(pattern)) if "best" not in os.path.basename(path)]
    files.sort(key=lambda path: [int(n) for n in re.findall(r"\d+", os.path.basename(path))])
    for path in files[: max(0, len(files) - count)]:
        os.remove(path)


torch.manual_seed(0)
data = TensorDataset(torch.randn(64, 10), torch.randint(0, 2, (64,)))
loader = DataLoader(data, batch_size=16, shuffle=True)

model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
os.makedirs("checkpoints", exist_ok=True)

for epoch in range(200):
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()

    torch.save({
        "epoch": epoch,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "torch_version": str(torch.__version__),
    }, f"checkpoints/checkpoint_epoch_{epoch}.pt")
    keep_last("checkpoints/checkpoint_epoch_[0-9]*.pt", count=3)
