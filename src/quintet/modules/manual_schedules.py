"""Schedules of a module that optimizes by hand: Lightning leaves stepping them to the module."""

from typing import Any

import lightning.pytorch as L
from torch.optim.lr_scheduler import ReduceLROnPlateau


def step_schedules(module: L.LightningModule, interval: str) -> None:
    """Step the schedules on one clock; call it after every step, and at the end of every epoch.

    A plateau schedule gets the metric that it monitors, where the epoch has it.

    Args:
        module: with `automatic_optimization = False`, in training.
        interval: "step" or "epoch".

    """
    for config in module.trainer.lr_scheduler_configs:
        schedule: Any = config.scheduler
        if config.interval != interval:
            continue
        if not isinstance(schedule, ReduceLROnPlateau):
            schedule.step()
        elif (value := module.trainer.callback_metrics.get(config.monitor or "")) is not None:
            schedule.step(value)
