"""Logging of the learning rate to trackers."""

from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import LearningRateMonitor


class RateMonitor(LearningRateMonitor):
    """Lightning's LearningRateMonitor, which does nothing in a run without a tracker.

    Lightning's raises an error in that case. metrics.csv always has the rate of every epoch.
    """

    def on_train_start(self, trainer: L.Trainer, *args: Any, **kwargs: Any) -> None:
        """Find the optimizers and their parameter groups."""
        if trainer.loggers:
            super().on_train_start(trainer, *args, **kwargs)

    def on_train_batch_start(self, trainer: L.Trainer, *args: Any, **kwargs: Any) -> None:
        """Log the rate of the step."""
        if trainer.loggers:
            super().on_train_batch_start(trainer, *args, **kwargs)

    def on_train_epoch_start(self, trainer: L.Trainer, *args: Any, **kwargs: Any) -> None:
        """Log the rate of the epoch."""
        if trainer.loggers:
            super().on_train_epoch_start(trainer, *args, **kwargs)
