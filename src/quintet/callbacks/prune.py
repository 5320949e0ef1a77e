"""Lets a sweep stop a trial early."""

import lightning.pytorch as L

from quintet.trial import is_trial, line


class Prune(L.Callback):
    """Tells P to the sweep after every epoch, and stops when it says so; idle outside a sweep.

    Under DDP the first rank asks, and every rank hears the same answer.

    Args:
        monitor: P's name in the logs.

    """

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.pruned = False
        self._asks, self._line = is_trial(), line()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Ask whether to go on."""
        value = trainer.callback_metrics.get(self.monitor)
        stop = False
        if self._line is not None and value is not None:
            stop = self._line.report(trainer.current_epoch + 1, float(value))
        if self._asks and trainer.world_size > 1:
            stop = trainer.strategy.broadcast(stop)
        if stop and trainer.current_epoch + 1 < (trainer.max_epochs or 0):
            self.pruned = True
            trainer.should_stop = True
