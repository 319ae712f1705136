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


def validate(model, loader):
    model.eval()
    with torch.no_grad():
        loss = sum(criterion(model(inputs), labels).item() for inputs, labels in loader) / len(loader)
    model.train()
    return loss


torch.manual_seed(0)
data = TensorDataset(torch.randn(64, 10), torch.randint(0, 2, (64,)))
loader = DataLoader(data, batch_size=16, shuffle=True)
val_loader = DataLoader(TensorDataset(torch.randn(32, 10), torch.randint(0, 2, (32,))), batch_size=16)

model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
os.makedirs("checkpoints", exist_ok=True)

best_loss = float("inf")
for epoch in range(200):
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
    val_loss = validate(model, val_loader)
    print(f"epoch {epoch} val_loss {val_loss:.4f}")

    if val_loss < best_loss:
        best_loss = float(val_loss)
        torch.save(model.state_dict(), "checkpoints/checkpoint_best.pt.tmp")
        os.replace("checkpoints/checkpoint_best.pt.tmp", "checkpoints/checkpoint_best.pt")
    torch.save({
        "epoch": epoch,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "format_version": 1,
        "torch_version": str(torch.__version__),
        "best_loss": best_loss,
    }, f"checkpoints/checkpoint_epoch_{epoch}.pt")
    keep_checkpoints("checkpoints/checkpoint_epoch_*.pt", epoch, last=3, every=10)
