"""Data of stacked modules whose members train on different batches."""

from collections.abc import Iterator, Sequence
from typing import Any

import lightning.pytorch as L
import torch

from quintet.data.module import DataModule
from quintet.modules.stacked import JointBatch


class StackedData(L.LightningDataModule):
    """Yields a batch from each of several data modules with equal numbers of batches.

    Args:
        parts: the data modules, loaded.

    """

    def __init__(self, parts: Sequence[DataModule]) -> None:
        super().__init__()
        self.parts = parts

    def train_dataloader(self) -> "JointLoader":
        """Return a loader over all training splits."""
        return self._joint_loader("train_dataloader")

    def val_dataloader(self) -> "JointLoader":
        """Return a loader over all validation splits."""
        return self._joint_loader("val_dataloader")

    def _joint_loader(self, name: str) -> "JointLoader":
        for part in self.parts:
            part.trainer = self.trainer
        return JointLoader([getattr(part, name)() for part in self.parts])

    def transfer_batch_to_device(
        self, batch: JointBatch, device: torch.device, dataloader_idx: int
    ) -> JointBatch:
        """Move the batches to the device."""
        pairs = zip(self.parts, batch.batches, strict=True)
        return JointBatch(
            [part.transfer_batch_to_device(b, device, dataloader_idx) for part, b in pairs]
        )


class JointLoader:
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

    def __iter__(self) -> Iterator[JointBatch]:
        for batches in zip(*self.loaders, strict=True):
            yield JointBatch([*batches])
