# Trap: one helper seeds all; workers derive their seeds from torch's.
import random

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class Noisy(Dataset):
    def __len__(self):
        return 16

    def __getitem__(self, index):
        return torch.from_numpy(np.random.normal(size=4).astype(np.float32)), torch.tensor([float(random.random())])


seed_everything(3)
loader = DataLoader(Noisy(), batch_size=4, num_workers=2)
model = nn.Linear(4, 1)
optimizer = torch.optim.Adam(model.parameters())
for epoch in range(3):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
torch.save(model.state_dict(), "noisy.pt")
