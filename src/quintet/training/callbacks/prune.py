"""Pruning: a sweep may stop a trial early."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import lightning.pytorch as L

from quintet.config.objectives import measured
from quintet.study.trial_pipe import is_trial, trial_pipe
from quintet.training.callbacks.measured import of_split
from quintet.training.sizes import count_parameters

PATIENCE = 1.0
"""Seconds of an epoch after which, and between which, a sweep is told how far it is."""


@dataclass(frozen=True)
class EarlierFolds:
    """The folds that a cross-validated trial has trained before the current one.

    Args:
        epochs: trained in all of them together.
        values: the metric of each.
        objectives: the objectives of each, by name.
        more: whether folds follow; stopping at the last epoch then still shortens the trial.

    """

    epochs: int = 0
    values: tuple[float, ...] = ()
    objectives: tuple[Mapping[str, float], ...] = ()
    more: bool = False


class Prune(L.Callback):
    """Reports the metric to the sweep after every epoch and stops if told to; idle outside a sweep.

    With DDP the first rank reports, and the decision is broadcast. A cross-validated trial reports
    the epochs of all folds together, and the mean of the metric over them.

    Args:
        monitor: the metric's name in the logs.

    """

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.objectives: tuple[str, ...] = ()
        """The names of what the sweep trades off, if anything."""
        self.earlier = EarlierFolds()
        self.pruned = False
        self._asks, self._line = is_trial(), trial_pipe()
        self._began = self._next = 0.0

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note the time."""
        self._began = time.monotonic()
        self._next = self._began + PATIENCE

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Tell the sweep that a long epoch moves."""
        if self._line is None or (now := time.monotonic()) < self._next:
            return
        self._next = now + PATIENCE
        part = (batch_idx + 1) / max(1, trainer.num_training_batches)
        self._line.moved(self.earlier.epochs + trainer.current_epoch + part)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Report the metric, and stop if the sweep says so."""
        value = trainer.callback_metrics.get(self.monitor)
        if value is not None:
            mean = fmean([*self.earlier.values, float(value)])
            self._report(trainer, trainer.current_epoch + 1, mean, self._measured(trainer))

    def _measured(self, trainer: L.Trainer) -> dict[str, float]:
        """Return the objectives after this epoch, as means over the folds so far."""
        if not self.objectives or self._line is None:
            return {}
        logged = of_split(trainer.callback_metrics, "val")
        size = count_parameters(trainer.lightning_module)
        seconds = (time.monotonic() - self._began) / max(1, int(trainer.num_training_batches))
        now = measured(self.objectives, logged, size, seconds)
        each = [*self.earlier.objectives, now]
        return {name: fmean(one[name] for one in each) for name in now}

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Ask again for the decision on the checkpoint's last epoch, which may not have arrived."""
        epochs = checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
        if epochs:
            self._report(trainer, epochs, None, {})

    def _report(
        self,
        trainer: L.Trainer,
        epochs: int,
        value: float | None,
        objectives: Mapping[str, float],
    ) -> None:
        told = (self.earlier.epochs + epochs, value, objectives)
        stop = self._line is not None and self._line.report(*told)
        if self._asks and trainer.world_size > 1:
            stop = trainer.strategy.broadcast(stop)
        if stop and (self.earlier.more or epochs < (trainer.max_epochs or 0)):
            self.pruned = trainer.should_stop = True
