"""Metrics that an epoch has logged."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

Number = TypeVar("Number")


def measured(monitor: str | None, logs: Iterable[str]) -> bool:
    """Return whether an epoch has the metric that a callback monitors.

    If validation ran but did not log `monitor`, the name is wrong, which Lightning reports.

    Args:
        monitor: name of the metric.
        logs: names of the metrics that the epoch logged.

    """
    names = set(logs)
    return monitor is None or monitor in names or any(name.startswith("val/") for name in names)


def of_split(scores: Mapping[str, Number], split: str) -> dict[str, Number]:
    """Return the metrics logged for a split, by name without the prefix of the split."""
    prefix = f"{split}/"
    return {k.removeprefix(prefix): v for k, v in scores.items() if k.startswith(prefix)}
