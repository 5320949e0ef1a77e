"""The learning rate, told to the trackers."""

from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import LearningRateMonitor


class RateMonitor(LearningRateMonitor):
    """Lightning's LearningRateMonitor, but a run without a tracker is no error.

    There it has nobody to tell; metrics.csv has the rate of every epoch in any case.
    """

    def on_train_start(self, trainer: L.Trainer, *args: Any, **kwargs: Any) -> None:
        """Look which optimizers and groups there are."""
        if trainer.loggers:
            super().on_train_start(trainer, *args, **kwargs)

    def on_train_batch_start(self, trainer: L.Trainer, *args: Any, **kwargs: Any) -> None:
        """Tell the rate of the step."""
        if trainer.loggers:
            super().on_train_batch_start(trainer, *args, **kwargs)

    def on_train_epoch_start(self, trainer: L.Trainer, *args: Any, **kwargs: Any) -> None:
        """Tell the rate of the epoch."""
        if trainer.loggers:
            super().on_train_epoch_start(trainer, *args, **kwargs)
