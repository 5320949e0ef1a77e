"""What a run needs that may take several sessions: each goes on where the last one was stopped."""

import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import Checkpoint
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from quintet.base import signals
from quintet.training.lightning_patches import optimizers_and_schedules
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
    """Counts the epochs and seconds of all sessions; they travel in the checkpoint.

    Args:
        earlier: seconds of the sessions before, as far as they could record them: also what came
            after their last checkpoint.

    """

    def __init__(self, earlier: float = 0.0) -> None:
        self.epochs = 0
        self.earlier = earlier
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
        self.epochs, self.earlier = state_dict["epochs"], max(self.earlier, state_dict["seconds"])


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
    with all_trainable(trainer.optimizers):
        made = pl_module.configure_optimizers()
    configs = trainer.lr_scheduler_configs
    if made is None or not configs:
        return
    optimizers, plans = optimizers_and_schedules(made)
    if any(isinstance(config.scheduler, ReduceLROnPlateau) for config in configs):
        return
    for plan, config in zip(plans, configs, strict=True):
        with warnings.catch_warnings(action="ignore"):  # of schedules that step alone
            for _ in range(config.scheduler.last_epoch):
                _schedule(plan).step()
        config.scheduler.load_state_dict(_schedule(plan).state_dict())
    for mine, fresh in zip(trainer.optimizers, optimizers, strict=True):
        for group, new in zip(mine.param_groups, fresh.param_groups, strict=True):
            group.update({key: value for key, value in new.items() if key != "params"})
        again(mine, [c.scheduler for c in configs if c.scheduler.optimizer is mine])


@contextmanager
def all_trainable(optimizers: Iterable[Optimizer]) -> Iterator[None]:
    """Let what is frozen for a phase of training be optimized anew as it was at the start."""
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

    A resumed run would then lack a step. (A `Checkpoint`, so that Lightning calls it when the
    epoch's numbers are in; it has to stand before those that save.)
    """

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take the schedules over from Lightning, which asks for their interval."""
        self._taken = [c for c in trainer.lr_scheduler_configs if _is_plateau(c)]
        for config in self._taken:
            config.interval = "here"

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Step those whose metric was logged in this epoch."""
        for config in self._taken:
            schedule: Any = config.scheduler
            value = trainer.callback_metrics.get(config.monitor or "")
            if value is not None and (trainer.current_epoch + 1) % config.frequency == 0:
                schedule.step(value)


def _is_plateau(config: Any) -> bool:
    by_lightning = isinstance(config.scheduler, ReduceLROnPlateau) and config.interval == "epoch"
    return by_lightning and config.monitor is not None
