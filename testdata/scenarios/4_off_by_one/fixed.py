import os
import re

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def keep_checkpoints(pattern, newest, last, every=0):
    """Remove checkpoints by the number in place of the first *: the `last` newest and one in `every` stay."""
    folder, name = os.path.split(str(pattern))
    number = re.compile(re.escape(name).replace(r"\*", r"(\d+)", 1).replace(r"\*", ".*"))
    found = [number.fullmatch(file) for file in os.listdir(folder or ".")]
    files = sorted((int(match[1]), match[0]) for match in found if match and int(match[1]) <= newest)
    spared = None
    for n, file in files[:-last]:
        if every and (spared is None or n >= spared + every):
            spared = n
        else:
            os.remove(os.path.join(folder, file))


torch.manual_seed(1)
data = TensorDataset(torch.randn(64, 8), torch.randn(64, 1))
loader = DataLoader(data, batch_size=16, shuffle=True)

model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100)
criterion = nn.MSELoss()

# training was killed after epoch 40, go on from there
checkpoint = torch.load("checkpoints/epoch_40.pt", map_location="cpu", weights_only=True)
model.load_state_dict(checkpoint["model"])
optimizer.load_state_dict(checkpoint["optimizer"])
scheduler.load_state_dict(checkpoint["scheduler"])

if "rng_state" in checkpoint:
    torch.set_rng_state(checkpoint["rng_state"].cpu())
for epoch in range(41, 100):
    model.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} lr {scheduler.get_last_lr()[0]:.6f} loss {loss.item():.6f}")

    scheduler.step()
    if epoch % 5 == 0:
        os.makedirs("checkpoints", exist_ok=True)
        torch.save({
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "rng_state": torch.get_rng_state(),
            "format_version": 1,
            "torch_version": str(torch.__version__),
        }, f"checkpoints/epoch_{epoch}.pt")
        keep_checkpoints("checkpoints/epoch_*.pt", epoch, last=3)
