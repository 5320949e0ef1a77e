"""Retrieval: a tower for queries, one for items, the others of a batch as negatives."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import lightning.pytorch as L
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

OptimizerCallable = Callable[[Iterable], torch.optim.Optimizer]


class Pairs(Dataset):
    def __init__(self, count: int, seed: int):
        generator = torch.Generator().manual_seed(seed)
        self.user = torch.randn(count, 6, generator=generator)
        mixed = torch.randn(6, 8, generator=torch.Generator().manual_seed(9))
        self.item = self.user @ mixed + 0.1 * torch.randn(count, 8, generator=generator)

    def __len__(self):
        return len(self.user)

    def __getitem__(self, i):
        item = {"features": self.item[i], "id": i}
        return {"query": {"features": self.user[i]}, "item": item, "weight": 1.0 if i % 3 else 2.0}


class PairData(L.LightningDataModule):
    def __init__(self, count: int = 96, batch_size: int = 16):
        super().__init__()
        self.save_hyperparameters()

    def _loader(self, count, seed, random=False):
        pairs = Pairs(count, seed)
        order = RandomSampler(pairs) if random else SequentialSampler(pairs)
        return DataLoader(pairs, batch_sampler=BatchSampler(order, self.hparams.batch_size, random))

    def train_dataloader(self):
        return self._loader(self.hparams.count, 0, True)

    def val_dataloader(self):
        return self._loader(32, 1)

    def test_dataloader(self):
        return self._loader(30, 2)

    def predict_dataloader(self):
        return [self._loader(7, 3), self._loader(4, 4)]


class TwoTowers(L.LightningModule):
    """Arguments as LightningCLI makes them."""

    def __init__(
        self,
        layers: list[int],
        temperature: float = 0.1,
        optimizer: OptimizerCallable = torch.optim.Adam,
        betas: tuple[float, float] = (0.9, 0.999),
        lr: float | None = 0.01,
    ):
        super().__init__()
        self.save_hyperparameters()
        self.towers = nn.ModuleDict({"query": self._tower(6), "item": self._tower(8)})
        self.found: list[dict[str, torch.Tensor]] = []

    def _tower(self, size: int) -> nn.Module:
        sizes = [size, *self.hparams.layers]
        pairs = pairwise(sizes)
        return nn.Sequential(*(part for a, b in pairs for part in (nn.Linear(a, b), nn.Tanh())))

    def forward(self, batch):
        return {
            name: F.normalize(tower(batch[name]["features"]), dim=1)
            for name, tower in self.towers.items()
        }

    def training_step(self, batch, batch_idx):
        found = self(batch)
        scores = found["query"] @ found["item"].T / self.hparams.temperature
        each = F.cross_entropy(
            scores, torch.arange(len(scores), device=self.device), reduction="none"
        )
        loss = (each * batch["weight"]).float().mean()
        self.log("train/loss", loss, batch_size=len(scores))
        return loss

    def validation_step(self, batch, batch_idx):
        self.found.append(self(batch))

    test_step = validation_step

    def _recall(self, split):
        whole = {n: torch.cat([each[n] for each in self.found]) for n in ("query", "item")}
        self.found.clear()
        if self.trainer.world_size > 1:
            whole = {n: self.all_gather(t).flatten(0, 1) for n, t in whole.items()}
        best = (whole["query"] @ whole["item"].T).topk(3, dim=1).indices
        hits = (best == torch.arange(len(best), device=self.device)[:, None]).any(1)
        self.log(f"{split}/recall@3", hits.float().mean(), sync_dist=True)

    def on_validation_epoch_end(self):
        self._recall("val")

    def on_test_epoch_end(self):
        self._recall("test")

    def predict_step(self, batch, batch_idx, dataloader_idx=0):
        found = self(batch)
        return {"id": batch["item"]["id"], **found, "loader": [dataloader_idx] * len(found["item"])}

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr, betas=self.hparams.betas)
