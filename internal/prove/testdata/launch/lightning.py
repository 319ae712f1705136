"""Trains with Lightning, which saves and resumes by itself."""

import os

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

L.seed_everything(0)


class Model(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(4, 1)

    def training_step(self, batch, _):
        x, y = batch
        return nn.functional.mse_loss(self.net(x), y)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)]


data = TensorDataset(torch.randn(32, 4), torch.randn(32, 1))
keep = ModelCheckpoint(dirpath="checkpoints", save_last=True, save_top_k=1)
trainer = L.Trainer(max_epochs=4, accelerator="cpu", devices=1, logger=False, enable_progress_bar=False, enable_model_summary=False, callbacks=[keep])
last = "checkpoints/last.ckpt"
trainer.fit(Model(), DataLoader(data, batch_size=4), ckpt_path=last if os.path.exists(last) else None)
