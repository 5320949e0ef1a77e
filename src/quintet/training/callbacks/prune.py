"""Pruning: a sweep may stop a trial early."""

from dataclasses import dataclass
from statistics import fmean
from typing import Any

import lightning.pytorch as L

from quintet.study.trial_pipe import is_trial, trial_pipe


@dataclass(frozen=True)
class EarlierFolds:
    """The folds that a cross-validated trial has trained before the current one.

    Args:
        epochs: trained in all of them together.
        values: the metric of each.
        more: whether folds follow; stopping at the last epoch then still shortens the trial.

    """

    epochs: int = 0
    values: tuple[float, ...] = ()
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
        self.earlier = EarlierFolds()
        self.pruned = False
        self._asks, self._line = is_trial(), trial_pipe()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Report the metric, and stop if the sweep says so."""
        value = trainer.callback_metrics.get(self.monitor)
        if value is not None:
            mean = fmean([*self.earlier.values, float(value)])
            self._report(trainer, trainer.current_epoch + 1, mean)

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Ask again for the decision on the checkpoint's last epoch, which may not have arrived."""
        epochs = checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
        if epochs:
            self._report(trainer, epochs, None)

    def _report(self, trainer: L.Trainer, epochs: int, value: float | None) -> None:
        stop = self._line is not None and self._line.report(self.earlier.epochs + epochs, value)
        if self._asks and trainer.world_size > 1:
            stop = trainer.strategy.broadcast(stop)
        if stop and (self.earlier.more or epochs < (trainer.max_epochs or 0)):
            self.pruned = trainer.should_stop = True
