"""Collecting the predictions of the final evaluation for reports and paired comparisons."""

from pathlib import Path
from typing import Any

import lightning.pytorch as L
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.artifacts.predictions_file import SHOWN, Examples, Predictions, stride, write
from quintet.base.process import is_first_rank
from quintet.data.module import DataModule


class PredictionCollector(L.Callback):
    """Collect predictions and targets of the splits on which a Trainer evaluates.

    For a large split, evenly spaced samples are kept, at most a few megabytes.

    Args:
        data: loaded data whose batches are evaluated.

    """

    def __init__(self, data: DataModule) -> None:
        self.data = data
        self.answers: dict[str, Predictions] = {}
        self._batches: list[tuple[Tensor, Tensor, Tensor]] = []

    def on_validation_batch_end(
        self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        """Collect a batch of the validation split."""
        self._note("val", trainer, pl_module, outputs, batch, batch_idx)

    def on_test_batch_end(
        self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        """Collect a batch of the test split."""
        self._note("test", trainer, pl_module, outputs, batch, batch_idx)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Concatenate the batches."""
        self._gather("val", pl_module)

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Concatenate the batches."""
        self._gather("test", pl_module)

    def _note(
        self, split: str, trainer: L.Trainer, task: Any, outputs: Tensor, batch: Any, number: int
    ) -> None:
        world, targets = trainer.world_size, batch[1]
        first = number * self.data.batch_size * world + trainer.global_rank
        index = first + world * torch.arange(len(targets), device=targets.device)
        kept = index % stride(len(self.data.splits[split][1]), outputs[0].numel()) == 0
        predicted = task.problem.stored(task.predictions(outputs[kept]))
        if predicted.dtype != torch.float64:  # NumPy may not have the half-precision type
            predicted = predicted.float()
        self._batches.append((index[kept], targets[kept], predicted))

    def _gather(self, split: str, task: Any) -> None:
        parts = [torch.cat(column) for column in zip(*self._batches, strict=True)]
        self._batches = []
        index, target, predicted = (_from_all_ranks(part) for part in parts)
        order = index.argsort()
        self.answers[split] = Predictions(
            task=task.task,
            index=index[order].numpy(),
            target=target[order].numpy(),
            predicted=predicted[order].numpy(),
            total=len(self.data.splits[split][1]),
            ordered=self.data.ordered,
            row=self._rows(split, index[order]),
        )

    def _rows(self, split: str, index: Tensor) -> NDArray[np.int64]:
        """Return the row numbers in the file for positions (N,) of a split; empty if unknown."""
        if (rows := self.data.file_rows) is None:
            return np.empty(0, dtype=np.int64)
        return rows[self.data.indices[split]][index].numpy()

    def save(self, folder: Path) -> None:
        """Write predictions.npz to a run folder."""
        if self.answers and is_first_rank():
            write(folder, self.answers, self.examples())

    def examples(self) -> Examples | None:
        """Return the inputs of the validation samples with the largest errors.

        Test samples are never shown: improving a model after looking at its test errors would
        amount to training on them.
        """
        if "val" not in self.answers:
            return None
        found = self.answers["val"]
        index = found.index[found.mistakes(SHOWN)]
        return Examples(index, self.data.shown("val", torch.from_numpy(index)))


def _from_all_ranks(tensor: Tensor) -> Tensor:
    from torchmetrics.utilities.distributed import gather_all_tensors

    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    parts = gather_all_tensors(tensor.contiguous()) if distributed else [tensor]
    return torch.cat([part.cpu() for part in parts])
