"""Semi-supervised: labelled and unlabelled loaders at once, two validation sets."""

import lightning.pytorch as L
import torch
from lightning.pytorch.utilities import CombinedLoader
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics import MetricCollection
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassConfusionMatrix,
    MulticlassF1Score,
)


class TwoLoaders(L.LightningDataModule):
    def __init__(self, labelled: int = 200, batch_size: int = 32, mode: str = "max_size_cycle"):
        super().__init__()
        self.save_hyperparameters()

    def setup(self, stage=None):
        d = load_digits()
        x, y = torch.tensor(d.data, dtype=torch.float32) / 16, torch.tensor(d.target)
        order = torch.randperm(len(x))
        x, y = x[order], y[order]
        n = self.hparams.labelled
        self.parts = {
            "labelled": TensorDataset(x[:n], y[:n]),
            "unlabelled": TensorDataset(x[n:1200]),
            "clean": TensorDataset(x[1200:1400], y[1200:1400]),
            "noisy": TensorDataset(x[1400:1600] + 0.3 * torch.randn(200, 64), y[1400:1600]),
            "test": TensorDataset(x[1600:], y[1600:]),
        }

    def _l(self, name, shuffle=False):
        return DataLoader(self.parts[name], self.hparams.batch_size, shuffle=shuffle)

    def train_dataloader(self):
        both = {n: self._l(n, True) for n in ("labelled", "unlabelled")}
        return both if self.hparams.mode == "dict" else CombinedLoader(both, self.hparams.mode)

    def val_dataloader(self):
        return [self._l("clean"), self._l("noisy")]

    def test_dataloader(self):
        return {"test": self._l("test"), "noisy": self._l("noisy")}

    def predict_dataloader(self):
        return [self._l("test"), self._l("clean")]


class PseudoLabel(L.LightningModule):
    def __init__(self, model, optimizer, scheduler, threshold: float = 0.9):
        super().__init__()
        self.model, self.optimizer, self.scheduler, self.threshold = (
            model,
            optimizer,
            scheduler,
            threshold,
        )
        both = MetricCollection(
            {"acc": MulticlassAccuracy(10, average="micro"), "f1": MulticlassF1Score(10)}
        )
        self.train_metrics = both.clone(prefix="train/")
        self.val_metrics = nn.ModuleList(
            [both.clone(prefix=f"val/{n}_") for n in ("clean", "noisy")]
        )
        self.test_metrics = nn.ModuleList(
            [both.clone(prefix=f"test/{n}_") for n in ("test", "noisy")]
        )
        self.confusion = MulticlassConfusionMatrix(10)

    def forward(self, x):
        return self.model(x)

    def training_step(self, batch, batch_idx):
        x, y = batch["labelled"]
        logits = self(x)
        loss = F.cross_entropy(logits, y)
        u = batch["unlabelled"][0]
        with torch.no_grad():
            p, guess = self(u).softmax(1).max(1)
        sure = p > self.threshold
        if sure.any():
            loss = loss + 0.5 * F.cross_entropy(self(u[sure]), guess[sure])
        self.log("train/sure", sure.float().mean(), on_step=True, on_epoch=True, batch_size=len(u))
        self.log("train/loss", loss, on_step=True, on_epoch=True, prog_bar=True, batch_size=len(x))
        self.log_dict(
            self.train_metrics(logits, y), on_step=False, on_epoch=True, batch_size=len(x)
        )
        return loss

    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        x, y = batch
        logits = self(x)
        self.val_metrics[dataloader_idx].update(logits, y)
        self.confusion.update(logits, y)
        self.log("val/loss", F.cross_entropy(logits, y))

    def on_validation_epoch_end(self):
        for m in self.val_metrics:
            self.log_dict(m.compute())
            m.reset()
        self.log("val/diagonal", self.confusion.compute().diagonal().sum().float())
        self.confusion.reset()

    def test_step(self, batch, batch_idx, dataloader_idx=0):
        x, y = batch
        m = self.test_metrics[dataloader_idx]
        m.update(self(x), y)
        self.log_dict(m, add_dataloader_idx=False)

    def predict_step(self, batch, batch_idx, dataloader_idx=0):
        return {
            "p": self(batch[0]).softmax(1),
            "loader": torch.full((len(batch[0]),), dataloader_idx),
        }

    def configure_optimizers(self):
        opt = self.optimizer(self.model)
        return {"optimizer": opt, "lr_scheduler": self.scheduler(opt)}


def flat(width: int = 32):
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
