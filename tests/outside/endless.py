"""Data without a length: a stream."""

from collections.abc import Iterator
from typing import ClassVar

import lightning as L
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset


class Stream(IterableDataset[tuple[Tensor, Tensor]]):
    def __init__(self, count: int | None) -> None:
        self.count = count

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        generator, i = torch.Generator().manual_seed(0), 0
        while self.count is None or i < self.count:
            x = torch.randn(4, generator=generator)
            yield x, (x.sum() > 0).long()
            i += 1


class StreamData(L.LightningDataModule):
    """Says what supervised models need to know."""

    facts: ClassVar = {
        "task": "multiclass",
        "kind": "table",
        "input_shape": [4],
        "num_classes": 2,
        "num_targets": 1,
    }

    def train_dataloader(self):
        return DataLoader(Stream(None), batch_size=8)

    def val_dataloader(self):
        return DataLoader(Stream(40), batch_size=8)
