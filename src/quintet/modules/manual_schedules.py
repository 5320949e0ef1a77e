"""Schedules under manual optimization, where the module has to step them itself."""

from typing import Any

import lightning.pytorch as L
from torch.optim.lr_scheduler import ReduceLROnPlateau


def step_schedules(module: L.LightningModule, interval: str) -> None:
    """Step the schedules of one interval; call after every step, and at the end of every epoch.

    A plateau schedule gets the metric that it monitors, if the epoch logged it.

    Args:
        module: a module with `automatic_optimization = False`, during training.
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
