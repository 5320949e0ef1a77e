"""Lets a sweep stop a trial early."""

from dataclasses import dataclass
from statistics import fmean
from typing import Any

import lightning.pytorch as L

from quintet.study.trial_pipe import is_trial, trial_pipe


@dataclass(frozen=True)
class EarlierFolds:
    """What a trial over folds has trained before the fold at hand.

    Args:
        epochs: of all of them together.
        values: the metric of each.
        more: whether folds follow, so that to stop at the last epoch is to stop the trial.

    """

    epochs: int = 0
    values: tuple[float, ...] = ()
    more: bool = False


class Prune(L.Callback):
    """Tells P to the sweep after every epoch, and stops when it says so; idle outside a sweep.

    Under DDP the first rank asks, and every rank hears the same answer. A trial that trains once a
    fold reports the epochs of all folds together, and the mean of P over them.

    Args:
        monitor: P's name in the logs.

    """

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.earlier = EarlierFolds()
        self.pruned = False
        self._asks, self._line = is_trial(), trial_pipe()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Ask whether to go on."""
        value = trainer.callback_metrics.get(self.monitor)
        if value is not None:
            mean = fmean([*self.earlier.values, float(value)])
            self._heed(trainer, trainer.current_epoch + 1, mean)

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Ask again what was answered after the epochs of a checkpoint: it may never have come."""
        epochs = checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
        if epochs:
            self._heed(trainer, epochs, None)

    def _heed(self, trainer: L.Trainer, epochs: int, value: float | None) -> None:
        stop = self._line is not None and self._line.report(self.earlier.epochs + epochs, value)
        if self._asks and trainer.world_size > 1:
            stop = trainer.strategy.broadcast(stop)
        if stop and (self.earlier.more or epochs < (trainer.max_epochs or 0)):
            self.pruned = trainer.should_stop = True
