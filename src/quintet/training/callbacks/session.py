"""Callbacks for runs that are interrupted and resumed: signals, counters, rebuilt schedules."""

import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import Checkpoint
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from quintet.base import schema, signals
from quintet.training.lightning_patches import optimizers_and_schedules
from quintet.training.optimizer_updates import reapply, schedules_of


class SignalRelay(L.Callback):
    """Handles signals instead of Lightning, which would wait for the batch and exit with code 0."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Install our handlers for training."""
        signals.listen()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """End a run that was stopped by a signal, if a library has swallowed the exception."""
        signals.raise_pending()

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Install our handlers for validation."""
        signals.listen()

    def on_test_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Install our handlers for testing."""
        signals.listen()


class EpochCounter(L.Callback):
    """Counts epochs and seconds over all sessions of a run; the checkpoint stores both.

    Args:
        earlier: seconds of earlier sessions as recorded, including those after their last
            checkpoint.
        share: the run's share of the elapsed time.

    """

    def __init__(self, earlier: float = 0.0, share: float = 1.0) -> None:
        self.epochs = 0
        self.earlier, self._share = earlier, share
        self._began = time.monotonic()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Count the epoch."""
        self.epochs = trainer.current_epoch + 1

    def state_dict(self) -> dict[str, Any]:
        """Return the counts so far."""
        seconds = self.earlier + self._share * (time.monotonic() - self._began)
        return {"epochs": self.epochs, "seconds": seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the counts of earlier sessions."""
        self.epochs = schema.fitting(int, state_dict["epochs"], "epochs")
        seconds = schema.fitting(float, state_dict["seconds"], "seconds")
        self.earlier = max(self.earlier, seconds)


class Replan(L.Callback):
    """Rebuilds the learning-rate schedule if a resumed run has a new length.

    The rate continues at the current step of the schedule that a run of the new length would have
    had from its start; steered values are kept. Plateau schedules do not depend on the length.

    Args:
        total_steps: optimizer steps of the run, as planned now.

    """

    def __init__(self, total_steps: int) -> None:
        self.total_steps = self._planned = total_steps

    def state_dict(self) -> dict[str, Any]:
        """Return the length that the schedule was built for."""
        return {"total_steps": self.total_steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the length that earlier sessions were planned for."""
        self._planned = schema.fitting(int | None, state_dict["total_steps"], "total_steps")

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Rebuild the schedule if the length has changed."""
        if self._planned != self.total_steps:
            replan(trainer, pl_module)


def replan(trainer: L.Trainer, pl_module: L.LightningModule) -> None:
    """Step new schedules as often as the trainer's, and load their state into the latter."""
    with all_trainable(trainer.optimizers):
        made = pl_module.configure_optimizers()
    configs = trainer.lr_scheduler_configs
    if made is None or not configs:
        return
    optimizers, plans = optimizers_and_schedules(made)
    if any(isinstance(config.scheduler, ReduceLROnPlateau) for config in configs):
        return
    for plan, config in zip(plans, configs, strict=True):
        with warnings.catch_warnings(action="ignore"):  # about schedules stepped without optimizers
            for _ in range(config.scheduler.last_epoch):
                _schedule(plan).step()
        config.scheduler.load_state_dict(_schedule(plan).state_dict())
    for mine, fresh in zip(trainer.optimizers, optimizers, strict=True):
        for group, new in zip(mine.param_groups, fresh.param_groups, strict=True):
            group.update({key: value for key, value in new.items() if key != "params"})
        reapply(mine, schedules_of(trainer, mine))


@contextmanager
def all_trainable(optimizers: Iterable[Optimizer]) -> Iterator[None]:
    """Make temporarily frozen parameters trainable within the block, as before training."""
    held = [p for o in optimizers for group in o.param_groups for p in group["params"]]
    frozen = [parameter for parameter in held if not parameter.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(True)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)


def _schedule(plan: Any) -> Any:
    return plan["scheduler"] if isinstance(plan, dict) else plan


class PlateauStep(Checkpoint):
    """Steps plateau schedules before the epoch is saved; Lightning would step them after it.

    A resumed run would then lack a step. (A `Checkpoint`, because Lightning calls those when the
    epoch's metrics are complete; it must come before those that save.)
    """

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep Lightning from stepping the schedules, which it selects by interval."""
        self._taken = [c for c in trainer.lr_scheduler_configs if _is_plateau(c)]
        for config in self._taken:
            config.interval = "here"

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Step the schedules whose metric was logged in this epoch."""
        for config in self._taken:
            schedule: Any = config.scheduler
            value = trainer.callback_metrics.get(config.monitor or "")
            if value is not None and (trainer.current_epoch + 1) % config.frequency == 0:
                schedule.step(value)


def _is_plateau(config: Any) -> bool:
    by_lightning = isinstance(config.scheduler, ReduceLROnPlateau) and config.interval == "epoch"
    return by_lightning and config.monitor is not None
