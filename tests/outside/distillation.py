"""A small model learns from a large, frozen one."""

import lightning.pytorch as L
import torch
from torch import nn
from torch.nn import functional as F


class Teacher(nn.Module):
    def __init__(self, width: int = 64, num_outputs: int = 10):
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64, width),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(width, num_outputs),
        )

    def forward(self, x):
        return self.net(x)


class Distill(L.LightningModule):
    def __init__(
        self,
        model,
        teacher: nn.Module,
        optimizer,
        scheduler,
        loss,
        metric,
        temperature: float = 2.0,
        alpha: float = 0.5,
    ):
        super().__init__()
        self.save_hyperparameters(ignore=["model", "teacher", "metric", "loss"])
        self.student = model
        self.teacher = teacher.eval().requires_grad_(False)
        self.loss = loss
        self.train_metric, self.val_metric, self.test_metric = (
            metric.clone(),
            metric.clone(),
            metric.clone(),
        )
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))

    def train(self, mode=True):
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, x):
        return self.student(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        with torch.no_grad():
            t = self.teacher(x)
        s = self(x)
        T = self.hparams.temperature
        kd = F.kl_div(F.log_softmax(s / T, 1), F.softmax(t / T, 1), reduction="batchmean") * T * T
        ce = self.loss(s, y)
        loss = self.hparams.alpha * kd + (1 - self.hparams.alpha) * ce
        self.seen += len(x)
        self.train_metric(s.softmax(1), y)
        self.log_dict(
            {"train/loss": loss, "train/kd": kd, "train/ce": ce}, on_step=True, on_epoch=True
        )
        self.log("train/accuracy", self.train_metric, on_epoch=True, on_step=False)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        s = self(x)
        self.val_metric.update(s.softmax(1), y)
        self.log("val/loss", self.loss(s, y))
        self.log("val/accuracy", self.val_metric)

    def test_step(self, batch, batch_idx):
        x, y = batch
        self.test_metric.update(self(x).softmax(1), y)
        self.log("test/accuracy", self.test_metric)

    def predict_step(self, batch, batch_idx):
        x = batch
        return self(x).softmax(1)

    def configure_optimizers(self):
        opt = self.hparams.optimizer(filter(lambda p: p.requires_grad, self.parameters()))
        return {
            "optimizer": opt,
            "lr_scheduler": {"scheduler": self.hparams.scheduler(opt), "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint):
        for k in list(checkpoint["state_dict"]):
            if k.startswith("teacher."):
                del checkpoint["state_dict"][k]

    def on_load_checkpoint(self, checkpoint):
        for k, v in self.teacher.state_dict().items():
            checkpoint["state_dict"]["teacher." + k] = v
