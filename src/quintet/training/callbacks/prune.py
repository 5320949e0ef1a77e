"""Pruning of trials by a sweep."""

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
"""Seconds between progress reports to a sweep within an epoch."""


@dataclass(frozen=True)
class EarlierFolds:
    """The folds of a cross-validated trial that were trained before the current one.

    Args:
        epochs: total number of epochs trained in these folds.
        values: metric of each fold.
        objectives: objectives of each fold, by name.
        more: whether more folds follow, so that stopping at the last epoch still saves time.

    """

    epochs: int = 0
    values: tuple[float, ...] = ()
    objectives: tuple[Mapping[str, float], ...] = ()
    more: bool = False


class Prune(L.Callback):
    """Report the metric to the sweep after every epoch and stop on request; idle in a single run.

    With DDP the first rank reports, and the decision is broadcast. A cross-validated trial reports
    the total epochs of all folds so far, and the mean of the metric over them.

    Args:
        monitor: name under which the metric is logged.

    """

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.objectives: tuple[str, ...] = ()
        """Names of the objectives of the sweep, if it has several."""
        self.earlier = EarlierFolds()
        self.pruned = False
        self._is_trial, self._pipe = is_trial(), trial_pipe()
        self._began = self._next = 0.0
        self._timed = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the time, since a run that is resumed within an epoch does not start one."""
        self._begin()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the time."""
        self._begin()

    def _begin(self) -> None:
        self._began = time.monotonic()
        self._next = self._began + PATIENCE
        self._timed = 0

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Report the progress within a long epoch."""
        self._timed += 1
        if self._pipe is None or (now := time.monotonic()) < self._next:
            return
        self._next = now + PATIENCE
        part = (batch_idx + 1) / max(1, trainer.num_training_batches)
        self._pipe.send_progress(self.earlier.epochs + trainer.current_epoch + part)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Report the metric and stop if the sweep decides so."""
        value = trainer.callback_metrics.get(self.monitor)
        if value is not None:
            mean = fmean([*self.earlier.values, float(value)])
            self._report(trainer, trainer.current_epoch + 1, mean, self._measured(trainer))

    def _measured(self, trainer: L.Trainer) -> dict[str, float]:
        """Return the objectives after this epoch as means over the folds so far."""
        if not self.objectives or self._pipe is None:
            return {}
        logged = of_split(trainer.callback_metrics, "val")
        size = count_parameters(trainer.lightning_module)
        seconds = (time.monotonic() - self._began) / max(1, self._timed)
        now = measured(self.objectives, logged, size, seconds)
        each = [*self.earlier.objectives, now]
        return {name: fmean(one[name] for one in each) for name in now}

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Request the decision on the last epoch of the checkpoint again; it may have been lost."""
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
        report = (self.earlier.epochs + epochs, value, objectives)
        stop = self._pipe is not None and self._pipe.report(*report)
        if self._is_trial and trainer.world_size > 1:
            stop = trainer.strategy.broadcast(stop)
        if stop and (self.earlier.more or epochs < (trainer.max_epochs or 0)):
            self.pruned = trainer.should_stop = True
