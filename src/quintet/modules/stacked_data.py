"""Data of stacked modules that do not all train on the same batches."""

from collections.abc import Iterator, Sequence
from typing import Any

import lightning.pytorch as L
import torch

from quintet.data.module import DataModule
from quintet.modules.stacked import Dealt


class StackedData(L.LightningDataModule):
    """Yields a batch from each of several data modules with equal numbers of batches.

    Args:
        parts: the data modules, loaded.

    """

    def __init__(self, parts: Sequence[DataModule]) -> None:
        super().__init__()
        self.parts = parts

    def train_dataloader(self) -> "Dealing":
        """Return the batches of all training parts."""
        return self._dealing("train_dataloader")

    def val_dataloader(self) -> "Dealing":
        """Return the batches of all validation parts."""
        return self._dealing("val_dataloader")

    def _dealing(self, name: str) -> "Dealing":
        for part in self.parts:
            part.trainer = self.trainer
        return Dealing([getattr(part, name)() for part in self.parts])

    def transfer_batch_to_device(
        self, batch: Dealt, device: torch.device, dataloader_idx: int
    ) -> Dealt:
        """Move the batches to the device."""
        pairs = zip(self.parts, batch.batches, strict=True)
        return Dealt(
            [part.transfer_batch_to_device(b, device, dataloader_idx) for part, b in pairs]
        )


class Dealing:
    """Iterates over several loaders at once.

    Args:
        loaders: of equal length.

    """

    def __init__(self, loaders: Sequence[Any]) -> None:
        self.loaders = loaders
        self.sampler, self.batch_sampler = self, None

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        for loader in self.loaders:
            loader.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.loaders[0])

    def __iter__(self) -> Iterator[Dealt]:
        for batches in zip(*self.loaders, strict=True):
            yield Dealt([*batches])
