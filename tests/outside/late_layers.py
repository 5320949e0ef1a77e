"""Hooks that Lightning has and few use."""

import lightning.pytorch as L
import torch
from lightning.pytorch.callbacks import Callback
from torch import nn
from torch.nn import functional as F


class Count(Callback):
    def __init__(self):
        self.batches = 0

    def on_train_batch_end(self, *a):
        self.batches += 1

    def state_dict(self):
        return {"batches": self.batches}

    def load_state_dict(self, s):
        self.batches = s["batches"]


class Odd(L.LightningModule):
    """Lazy layers, own callbacks, LBFGS or SGD, skipped steps, slashes in a metric."""

    def __init__(self, lbfgs: bool = False, lr: float = 0.1, skip: bool = True):
        super().__init__()
        self.save_hyperparameters()
        self.net = None
        self.history: list[float] = []

    def configure_model(self):
        if self.net is None:
            self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(10))
            with torch.no_grad():
                self.net(torch.zeros(2, 1, 8, 8))

    def configure_callbacks(self):
        return [Count()]

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        if self.hparams.skip and batch_idx == 1:
            return None
        return F.cross_entropy(self(x), y)

    def validation_step(self, batch, batch_idx):
        x, y = batch
        p = self(x)
        self.log("val/seg/acc", (p.argmax(1) == y).float().mean())
        return p

    def on_validation_epoch_end(self):
        self.history.append(float(self.current_epoch))

    def on_save_checkpoint(self, ckpt):
        ckpt["history"] = list(self.history)
        ckpt["when"] = {"epoch": self.current_epoch, "tuple": (1, 2)}

    def on_load_checkpoint(self, ckpt):
        self.history = list(ckpt["history"])
        self.configure_model()

    def test_step(self, batch, batch_idx):
        x, y = batch
        self.log("test/seg/acc", (self(x).argmax(1) == y).float().mean())

    def predict_step(self, batch, batch_idx):
        return [f"digit {int(i)}" for i in self(batch).argmax(1)]

    def configure_optimizers(self):
        if self.hparams.lbfgs:
            return torch.optim.LBFGS(self.parameters(), lr=self.hparams.lr, max_iter=4)
        opt = torch.optim.SGD(self.parameters(), lr=self.hparams.lr)
        return {
            "optimizer": opt,
            "lr_scheduler": {
                "scheduler": torch.optim.lr_scheduler.ReduceLROnPlateau(
                    opt, mode="max", patience=0
                ),
                "monitor": "val/seg/acc",
            },
        }
