"""Graphs of unequal size, put together by a collate of their own: is a graph a ring or a star?"""

from dataclasses import dataclass
from typing import ClassVar

import lightning as L
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader


@dataclass
class Graphs:
    """A batch: edges (2, E) between all nodes (V,), the graph of each node, and labels (B,)."""

    edges: Tensor
    graph: Tensor
    label: Tensor

    def to(self, device: torch.device) -> "Graphs":
        return Graphs(self.edges.to(device), self.graph.to(device), self.label.to(device))


def ring_or_star(index: int) -> tuple[int, Tensor, int]:
    generator = torch.Generator().manual_seed(index)
    count, star = int(torch.randint(4, 12, (), generator=generator)), index % 2
    nodes = torch.arange(count)
    ends = torch.zeros(count, dtype=torch.long) if star else (nodes + 1) % count
    return count, torch.stack([nodes, ends]), star


def collate(items: list[tuple[int, Tensor, int]]) -> Graphs:
    sizes = torch.tensor([count for count, _, _ in items])
    starts = sizes.cumsum(0) - sizes
    edges = torch.cat([e + s for (_, e, _), s in zip(items, starts, strict=True)], dim=1)
    graph = torch.repeat_interleave(torch.arange(len(items)), sizes)
    return Graphs(edges, graph, torch.tensor([label for *_, label in items]))


class GraphData(L.LightningDataModule):
    facts: ClassVar = {"task": "binary", "num_classes": 2, "other_fact": 3}

    def __init__(self, count: int = 120) -> None:
        super().__init__()
        self.count = count

    def setup(self, stage: str) -> None:
        self.graphs = [ring_or_star(i) for i in range(self.count)]

    def _loader(self, begin: float, end: float, shuffle: bool = False) -> DataLoader[Graphs]:
        part = self.graphs[int(begin * self.count) : int(end * self.count)]
        return DataLoader(part, batch_size=16, shuffle=shuffle, collate_fn=collate)  # type: ignore[arg-type]

    def train_dataloader(self) -> DataLoader[Graphs]:
        return self._loader(0, 0.6, shuffle=True)

    def val_dataloader(self) -> DataLoader[Graphs]:
        return self._loader(0.6, 0.8)

    def test_dataloader(self) -> DataLoader[Graphs]:
        return self._loader(0.8, 1)


class GraphNet(L.LightningModule):
    """Two rounds of messages, then the mean over nodes."""

    def __init__(self, optimizer, metric, width: int = 16) -> None:
        super().__init__()
        self.optimizer, self.metric = optimizer, metric
        self.first, self.second = nn.Linear(1, width), nn.Linear(width, width)
        self.head = nn.Linear(width, 1)

    def forward(self, batch: Graphs) -> Tensor:
        source, target = torch.cat([batch.edges, batch.edges.flip(0)], dim=1)
        x = torch.ones(len(batch.graph), 1)
        for layer in (self.first, self.second):
            mixed = torch.zeros_like(x).index_add_(0, target, x[source])
            x = layer(x + mixed).relu()
        count = int(batch.graph.max()) + 1
        sums = torch.zeros(count, x.shape[1]).index_add_(0, batch.graph, x)
        sizes = torch.bincount(batch.graph)[:, None]
        return self.head(sums / sizes)[:, 0]

    def training_step(self, batch: Graphs, batch_idx: int) -> Tensor:
        logits = self(batch)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, batch.label.float())
        self.log("train/loss", loss, on_epoch=True, on_step=True, batch_size=len(batch.label))
        return loss

    def _measure(self, batch: Graphs, split: str) -> None:
        self.metric(self(batch).sigmoid(), batch.label)
        self.log(f"{split}/accuracy", self.metric, on_epoch=True, batch_size=len(batch.label))

    def validation_step(self, batch: Graphs, batch_idx: int) -> None:
        self._measure(batch, "val")

    def test_step(self, batch: Graphs, batch_idx: int) -> None:
        self._measure(batch, "test")

    def configure_optimizers(self):
        return self.optimizer(self.parameters())
