"""Changing optimizer settings during training: the learning rate with its schedule, and others.

Changes are stored in the parameter groups, as `steered`, and therefore in checkpoints.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import lightning.pytorch as L
from torch.optim import SGD, Optimizer

from quintet.options.optimizers import RATE_FACTOR

RATES = ("lr", "initial_lr", "max_lr", "min_lr")
"""Learning rates that schedules store in a parameter group ..."""
OF_A_SCHEDULE = ("base_lrs", "max_lrs", "min_lrs", "eta_min")
"""... and in themselves."""


def schedules_of(trainer: L.Trainer, optimizer: Optimizer) -> list[Any]:
    """Return the schedules of an optimizer."""
    schedules: list[Any] = [config.scheduler for config in trainer.lr_scheduler_configs]
    return [schedule for schedule in schedules if schedule.optimizer is optimizer]


def steer(optimizer: Optimizer, schedules: Iterable[Any], key: str, value: float) -> str | None:
    """Set `lr`, `momentum` or `weight_decay` of all groups.

    A new learning rate is that of the first group at the current step; the other groups keep their
    ratio to it, and schedules are scaled by the same factor. Weight decay only changes in groups
    that have one: biases and norms remain without; it keeps its product with a rate that the init
    determines.

    Returns:
        the reason if it is impossible, in which case nothing has changed; else None.

    """
    groups = optimizer.param_groups
    if why := _obstacle(optimizer, key):
        return why
    if key == "lr":
        factor = value / groups[0]["lr"]
        _scale(groups, schedules, factor)
        for group in groups:
            _noted(group)["lr"] = _noted(group).get("lr", 1.0) * factor
        return None
    for group in _decayed(groups) if key == "weight_decay" else groups:
        own = value / group.get(RATE_FACTOR, 1.0) if key == "weight_decay" else value
        group[key] = _noted(group)[key] = own
    return None


def reapply(optimizer: Optimizer, schedules: Iterable[Any]) -> None:
    """Repeat all changes so far after the schedule has been rebuilt."""
    groups = optimizer.param_groups
    _scale(groups, schedules, groups[0].get("steered", {}).get("lr", 1.0))
    for group in groups:
        group.update({k: v for k, v in group.get("steered", {}).items() if k != "lr"})


def _obstacle(optimizer: Optimizer, key: str) -> str | None:
    first, name = optimizer.param_groups[0], type(optimizer).__name__
    if key not in first:
        return f"{name} has no {key}"
    if key == "lr" and not first["lr"]:
        return "the learning rate is 0 now, so its schedule cannot be scaled"
    if key == "momentum" and "base_momentum" in first:
        return "the schedule changes the momentum; scheduler.cycle_momentum=false switches that off"
    if key == "momentum" and not first["momentum"] and not isinstance(optimizer, SGD):
        return f"{name} began without momentum, which cannot be added later"
    if key == "weight_decay" and not _decayed(optimizer.param_groups):
        return "the run began without weight decay, so the parameters exempt from it are not known"
    return None


def _decayed(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [g for g in groups if g["weight_decay"] or "weight_decay" in g.get("steered", {})]


def _noted(group: dict[str, Any]) -> dict[str, float]:
    found: dict[str, float] = group.setdefault("steered", {})
    return found


def _scale(groups: list[dict[str, Any]], schedules: Iterable[Any], factor: float) -> None:
    for group in groups:
        group.update({name: group[name] * factor for name in RATES if name in group})
    for schedule in _all(schedules):
        for name in OF_A_SCHEDULE:
            rates = getattr(schedule, name, None)
            if isinstance(rates, list):
                setattr(schedule, name, [rate * factor for rate in rates])
            elif rates is not None:
                setattr(schedule, name, rates * factor)


def _all(schedules: Iterable[Any]) -> Iterator[Any]:
    for schedule in schedules:
        yield schedule
        yield from _all(getattr(schedule, "_schedulers", ()))
