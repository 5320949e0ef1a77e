"""Tells an epoch that was validated from one that was not."""

from collections.abc import Iterable


def measured(monitor: str | None, logs: Iterable[str]) -> bool:
    """Return whether an epoch has the number that a callback follows.

    Where validation ran but logged no `monitor`, the name is wrong: that is left to Lightning's own
    error.

    Args:
        monitor: the number's name.
        logs: names of what the epoch logged; see `Task.on_train_epoch_end`.

    """
    names = set(logs)
    return monitor is None or monitor in names or any(name.startswith("val/") for name in names)
