"""What a run needs that may take several sessions: each goes on where the last one was stopped."""

import time
import warnings
from typing import Any, cast

import lightning.pytorch as L
from torch.optim.lr_scheduler import ReduceLROnPlateau

from quintet.base import signals
from quintet.training.optimizer_updates import again


class SignalRelay(L.Callback):
    """Takes signals back from Lightning, which would wait for a batch's end and exit with 0."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Listen while training."""
        signals.listen()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """End a run that was asked to, should a library have swallowed that."""
        signals.heed()

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Listen while validating."""
        signals.listen()

    def on_test_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Listen while testing."""
        signals.listen()


class EpochCounter(L.Callback):
    """Counts the epochs and seconds of all sessions; they travel in the checkpoint."""

    def __init__(self) -> None:
        self.epochs = 0
        self.earlier = 0.0
        self._began = time.monotonic()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Count the epoch."""
        self.epochs = trainer.current_epoch + 1

    def state_dict(self) -> dict[str, Any]:
        """Return both, up to now."""
        seconds = self.earlier + time.monotonic() - self._began
        return {"epochs": self.epochs, "seconds": seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over those of the sessions before."""
        self.epochs, self.earlier = state_dict["epochs"], state_dict["seconds"]


class Replan(L.Callback):
    """Lays the learning rate out anew when a resumed run is to be longer or shorter than planned.

    The rate goes on at today's step of the schedule that a run of the new length would have had
    from its start, and with what has been steered. A plateau schedule has no plan.

    Args:
        total_steps: optimizer steps of the run, as planned now.

    """

    def __init__(self, total_steps: int) -> None:
        self.total_steps = self._planned = total_steps

    def state_dict(self) -> dict[str, Any]:
        """Return the length that the schedule was laid out for."""
        return {"total_steps": self.total_steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Note the length that the sessions before were planned for."""
        self._planned = state_dict["total_steps"]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Lay out the schedule, if its length has changed."""
        if self._planned != self.total_steps:
            replan(trainer, pl_module)


def replan(trainer: L.Trainer, pl_module: L.LightningModule) -> None:
    """Step fresh schedules to where the trainer's are, and put their state in place of it."""
    [optimizer], plans = cast(Any, pl_module.configure_optimizers())
    configs = trainer.lr_scheduler_configs
    if any(isinstance(config.scheduler, ReduceLROnPlateau) for config in configs):
        return
    for plan, config in zip(plans, configs, strict=True):
        with warnings.catch_warnings(action="ignore"):  # of schedules that step alone
            for _ in range(config.scheduler.last_epoch):
                plan["scheduler"].step()
        config.scheduler.load_state_dict(plan["scheduler"].state_dict())
    groups = trainer.optimizers[0].param_groups
    for group, fresh in zip(groups, optimizer.param_groups, strict=True):
        group.update({key: value for key, value in fresh.items() if key != "params"})
    again(trainer.optimizers[0], [config.scheduler for config in configs])
