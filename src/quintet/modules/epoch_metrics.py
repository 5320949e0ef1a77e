"""Mean loss and metric of an epoch, at a few microseconds per batch."""

import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric, Metric

from quintet.base.errors import DivergedError

CHUNK = 64
MOST_NUMBERS = 2**24
"""Most outputs that are buffered, 64 MB in float32: a few batches of masks."""


class Meter(nn.Module):
    """Collects outputs, targets and losses; updates the metric once every `CHUNK` batches.

    Large outputs are flushed once there are `MOST_NUMBERS` values.

    Updating a torchmetrics object costs some 200 microseconds regardless of the batch, more than a
    training step of a small model; a cat of buffered batches gives the same value for a fraction.
    Both results are exact over unequal batches and over ranks.

    Args:
        metric: takes predictions and targets.
        read: turns raw outputs into predictions.
        further: further metrics, by name.

    """

    def __init__(
        self,
        metric: Metric,
        read: Callable[[Tensor], Tensor],
        further: Mapping[str, Metric] | None = None,
    ) -> None:
        super().__init__()
        self.metric = metric
        self.further = dict(further or {})
        self._held = nn.ModuleList(self.further.values())  # which moves them to the device
        self.read = read
        # Not "disable": torchmetrics 1.9 then ignores the weights of unequal batches.
        self.mean_loss = MeanMetric(nan_strategy="error")
        self._batches: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(self, outputs: Tensor, targets: Tensor, loss: Tensor) -> None:
        """Add one batch: (B, K) raw outputs, their (B, ...) targets and their mean loss."""
        self._batches.append((outputs.detach(), targets, loss.detach()))
        if len(self._batches) >= CHUNK or len(self._batches) * outputs.numel() >= MOST_NUMBERS:
            self.flush()

    def flush(self) -> None:
        """Update the metric and the mean loss with the buffered batches.

        Raises:
            DivergedError: a loss is NaN or infinite.

        """
        if not self._batches:
            return
        outputs, targets, losses = zip(*self._batches, strict=True)
        self._batches = []
        loss = torch.stack(losses)
        if not torch.isfinite(loss).all():
            raise DivergedError
        self.mean_loss.update(loss, torch.tensor([len(t) for t in targets], device=loss.device))
        predicted, target = self.read(torch.cat(outputs)), torch.cat(targets)
        for metric in (self.metric, *self.further.values()):
            metric.update(predicted, target)

    def so_far(self) -> dict[str, Any]:
        """Return the batches since the last `compute`, for a checkpoint within an epoch."""
        return {
            "batches": [[part.clone() for part in batch] for batch in self._batches],
            "states": [deepcopy(metric.metric_state) for metric in self._metrics()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue after the batches of a checkpoint.

        Raises:
            KeyError, TypeError, ValueError, RuntimeError: they are not batches of this module.

        """
        self._take(state)
        self.flush()  # as the epoch will do later, when no error would name the checkpoint
        self._take(state)

    def _take(self, state: Mapping[str, Any]) -> None:
        for metric, given in zip(self._metrics(), deepcopy(state["states"]), strict=True):
            for name, own in metric.metric_state.items():
                if isinstance(own, Tensor) and own.shape != given[name].shape:
                    raise ValueError(f"{name} has the shape {tuple(given[name].shape)}")
                setattr(metric, name, given[name])
        if len(state["batches"]) >= CHUNK:
            raise ValueError(f"it holds {len(state['batches'])} batches, more than are buffered")
        self._batches = []
        for outputs, y, loss in state["batches"]:
            self.add(outputs, y, loss)

    def _metrics(self) -> list[Metric]:
        return [module for module in self.modules() if isinstance(module, Metric)]

    def compute(self) -> tuple[float, float]:
        """Return (mean loss, metric) of all batches since the last call, on all ranks."""
        self.flush()
        loss, value = float(self.mean_loss.compute()), float(self.metric.compute())
        self.mean_loss.reset()
        self.metric.reset()
        if not math.isfinite(loss):
            raise DivergedError
        return loss, value

    def compute_further(self) -> dict[str, float]:
        """Return the further metrics of the same batches; call it after `compute`."""
        values = {name: float(metric.compute()) for name, metric in self.further.items()}
        for metric in self.further.values():
            metric.reset()
        return values
