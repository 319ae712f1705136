import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def seed_all(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)
    # Deterministic cuDNN algorithms can be slower: measure. Other operators need
    # torch.use_deterministic_algorithms(True).
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


EPOCHS = 5

seed_all(42)

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
x = torch.linspace(-3, 3, 256).unsqueeze(1)
y = torch.sin(x)
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1)).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
criterion = nn.MSELoss()

for epoch in range(EPOCHS):
    total = 0.0
    for inputs, targets in loader:
        noise = np.random.normal(0.0, 0.05, size=inputs.shape).astype(np.float32)
        inputs = (inputs + torch.from_numpy(noise)).to(device)
        targets = targets.to(device)
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch} loss {total / len(loader):.8f}")

torch.save(model.state_dict(), "model.pt")
