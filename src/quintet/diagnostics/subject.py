"""The subject of the checks: an experiment before training, as parts that can be rebuilt."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from quintet.base.advice import Advice
from quintet.data.module import DataModule
from quintet.data.samples import Facts
from quintet.diagnostics.lr_range_test import Curve, range_test
from quintet.modules.supervised import SupervisedModule

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Resized:
    """An experiment at other widths.

    Args:
        usual: width at which rates are tuned.
        make: function that returns a new model with loss and optimizer, by its width, the width
            that its init and its rates are relative to, and a seed.

    """

    usual: int
    make: Callable[[int, int, int], SupervisedModule]


@dataclass
class Subject:
    """An experiment before its first step.

    Args:
        make: function that returns a new model with loss and optimizer, always with the same
            initialization.
        data: loaded data.
        facts: facts of the data.
        metric: name of the metric.
        rate: chosen learning rate.
        device: device to compute on.
        advice: warnings of the init.
        pretrained: whether the model starts from the weights of another one.
        leak: warning if these weights were trained on validation or test data.
        resized: the experiment at other widths, if its init scales with the width.

    """

    make: Callable[[], SupervisedModule]
    data: DataModule
    facts: Facts
    metric: str
    rate: float
    device: torch.device
    advice: list[Advice] = field(default_factory=list)
    pretrained: bool = False
    leak: Advice | None = None
    resized: Resized | None = None

    def task(self) -> SupervisedModule:
        """Return a new model in its initial state."""
        return self.make().to(self.device)

    def unregularised_task(self) -> SupervisedModule:
        """Return a new model without regularization."""
        return unregularised(self.task())

    def batch(self, count: int) -> Batch:
        """Return at most `count` samples, the first of the first training epoch."""
        return self._first(self.data.train_dataloader(), count)

    def validation_batch(self, count: int) -> Batch:
        """Return the first `count` validation samples."""
        return self._first(self.data.val_dataloader(), count)

    def _first(self, loader: Iterable[Batch], count: int) -> Batch:
        taken: list[Batch] = []
        for x, y in loader:
            taken.append((x, y))
            if sum(len(batch_x) for batch_x, _ in taken) >= count:
                break
        xs, ys = zip(*taken, strict=True)
        return torch.cat(xs)[:count].to(self.device), torch.cat(ys)[:count].to(self.device)

    def inputs(self, split: str) -> Tensor | None:
        """Return all scaled inputs of a split; None if the data stays on disk."""
        return self.data.splits[split][0] if self.data.rows is None else None

    @cached_property
    def curve(self) -> Curve:
        """Curve of the learning-rate range test, which is run once."""
        batches = [(x.to(self.device), y.to(self.device)) for x, y in self._some_batches()]
        task = self.task().train()
        return range_test(lambda b: task.training_step(b, 0), optimizer_of(task), batches)

    def _some_batches(self, most: int = 200) -> list[Batch]:
        return [batch for _, batch in zip(range(most), self.data.train_dataloader(), strict=False)]


def optimizer_of(task: SupervisedModule) -> Optimizer:
    """Return the optimizer that training would use."""
    optimizers, _ = cast(tuple[list[Optimizer], Any], task.configure_optimizers())
    return optimizers[0]


def unregularised(task: SupervisedModule) -> SupervisedModule:
    """Switch off dropout in every form and label smoothing; return the task.

    Weight decay (in the optimizer) and augmentation (of the batches) are not part of the task.
    """
    for module in task.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        elif isinstance(getattr(module, "dropout", None), float):
            module.dropout = 0.0  # type: ignore[assignment]  # recurrent and attention layers keep a plain number
    if hasattr(task.loss, "label_smoothing"):
        task.loss.label_smoothing = 0.0  # type: ignore[assignment]
    return task
