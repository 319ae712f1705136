"""Trains with the Trainer of Transformers, which saves and resumes by itself."""

import torch
from torch import nn
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint, set_seed
import os

set_seed(0)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.1), nn.Linear(8, 1))

    def forward(self, x, labels):
        out = self.net(x)
        return {"loss": nn.functional.mse_loss(out, labels), "logits": out}


data = [{"x": torch.randn(4), "labels": torch.randn(1)} for _ in range(32)]
arguments = TrainingArguments("out", per_device_train_batch_size=4, num_train_epochs=4, save_strategy="epoch", save_total_limit=2, report_to=[], use_cpu=True, disable_tqdm=True, logging_strategy="no", seed=0)
trainer = Trainer(Model(), arguments, train_dataset=data)
trainer.train(resume_from_checkpoint=get_last_checkpoint("out") if os.path.isdir("out") else None)
