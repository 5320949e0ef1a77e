"""torch_geometric's own batches and loader: is a graph a ring or a star?"""

from typing import ClassVar

import lightning.pytorch as L
import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GCNConv, global_mean_pool
from torchmetrics.classification import BinaryAccuracy

from outside.graphs import ring_or_star


def graph(index: int) -> Data:
    count, edges, label = ring_or_star(index)
    both = torch.cat([edges, edges.flip(0)], 1)
    return Data(x=torch.ones(count, 1), edge_index=both, y=torch.tensor([label]), name=f"g{index}")


class Molecules(L.LightningDataModule):
    facts: ClassVar = {"task": "binary"}

    def __init__(self, batch_size: int = 16):
        super().__init__()
        self.batch_size = batch_size

    def _loader(self, begin, count, shuffle=False):
        graphs = [graph(begin + i) for i in range(count)]
        return DataLoader(graphs, self.batch_size, shuffle=shuffle)

    def train_dataloader(self):
        return self._loader(0, 80, True)

    def val_dataloader(self):
        return self._loader(100, 30)

    def test_dataloader(self):
        return self._loader(200, 29)

    def predict_dataloader(self):
        return self._loader(300, 5)


class Convolutions(L.LightningModule):
    def __init__(self, metric, optimizer, scheduler, width: int = 16):
        super().__init__()
        self.optimizer, self.scheduler = optimizer, scheduler
        self.first, self.second = GCNConv(1, width), GCNConv(width, width)
        self.head = nn.Linear(width, 1)
        self.scores = nn.ModuleDict({f"{s}_score": BinaryAccuracy() for s in ("val", "test")})

    def forward(self, batch):
        x = self.first(batch.x, batch.edge_index).relu()
        x = self.second(x, batch.edge_index).relu()
        return self.head(global_mean_pool(x, batch.batch))[:, 0]

    def training_step(self, batch, batch_idx):
        loss = nn.functional.binary_cross_entropy_with_logits(self(batch), batch.y.float())
        self.log("train/loss", loss, batch_size=batch.num_graphs)
        return loss

    def _measure(self, batch, split):
        score = self.scores[f"{split}_score"]
        score(self(batch), batch.y)
        self.log(f"{split}/accuracy", score, batch_size=batch.num_graphs)

    def validation_step(self, batch, batch_idx):
        self._measure(batch, "val")

    def test_step(self, batch, batch_idx):
        self._measure(batch, "test")

    def predict_step(self, batch, batch_idx):
        return {"name": batch.name, "star": self(batch).sigmoid()}

    def configure_optimizers(self):
        optimizer = self.optimizer(self.parameters())
        return {"optimizer": optimizer, "lr_scheduler": self.scheduler(optimizer)}
