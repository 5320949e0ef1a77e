"""A masked autoencoder of series: batches are named tuples, and so is what it predicts."""

from typing import NamedTuple

import lightning.pytorch as L
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


class Batch(NamedTuple):
    values: Tensor
    mask: Tensor
    name: list[str]


class Restored(NamedTuple):
    name: list[str]
    values: Tensor
    error: Tensor


class Waves(Dataset):
    def __init__(self, count: int, seed: int):
        self.count, self.seed = count, seed

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        generator = torch.Generator().manual_seed(self.seed * 1000 + i)
        speed, start = torch.rand(2, generator=generator)
        values = torch.sin(torch.arange(16) * (0.3 + speed) + 6 * start)
        return Batch(values, torch.rand(16, generator=generator) < 0.4, f"wave {i}")  # type: ignore[arg-type]


class WaveData(L.LightningDataModule):
    def __init__(self, count: int = 128, batch_size: int = 16, num_workers: int = 0):
        super().__init__()
        self.save_hyperparameters()

    def setup(self, stage: str):
        self.parts = {s: Waves(n, i) for i, (s, n) in enumerate(self.sizes.items())}

    @property
    def sizes(self):
        return {"fit": self.hparams.count, "validate": 40, "test": 37, "predict": 5}

    def _loader(self, part, shuffle=False):
        workers = self.hparams.num_workers
        return DataLoader(
            self.parts[part],
            self.hparams.batch_size,
            shuffle=shuffle,
            num_workers=workers,
            persistent_workers=workers > 0,
        )

    def train_dataloader(self):
        return self._loader("fit", True)

    def val_dataloader(self):
        return {"waves": self._loader("validate")}

    def test_dataloader(self):
        return self._loader("test")

    def predict_dataloader(self):
        return self._loader("predict")


class Restorer(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(32, width), nn.ReLU(), nn.Linear(width, 16))

    def forward(self, x):
        return self.layers(x)


class MaskedAutoencoder(L.LightningModule):
    def __init__(self, model: nn.Module, optimizer, scheduler, mask_value: float = 0.0):
        super().__init__()
        self.save_hyperparameters("mask_value")
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.example_input_array = (torch.zeros(2, 16), torch.zeros(2, 16, dtype=torch.bool))

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        seen = values.masked_fill(mask, self.hparams.mask_value)
        return self.model(torch.cat([seen, mask.float()], 1))

    def _error(self, batch: Batch) -> Tensor:
        errors = (self(batch.values, batch.mask) - batch.values).square() * batch.mask
        return errors.sum(1) / batch.mask.sum(1).clamp(min=1)

    def training_step(self, batch, batch_idx):
        loss = self._error(batch).mean()
        self.log("train/loss", loss, batch_size=len(batch.values))
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val/error", self._error(batch).mean(), batch_size=len(batch.values))

    def test_step(self, batch, batch_idx):
        self.log("test/error", self._error(batch).mean(), batch_size=len(batch.values))

    def predict_step(self, batch, batch_idx):
        return Restored(batch.name, self(batch.values, batch.mask), self._error(batch))

    def configure_optimizers(self):
        decayed = [p for p in self.parameters() if p.ndim > 1]
        others = [p for p in self.parameters() if p.ndim < 2]
        groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=0.003)
        return {"optimizer": optimizer, "lr_scheduler": self.scheduler(optimizer)}
