"""Whether an epoch was validated."""

from collections.abc import Iterable


def measured(monitor: str | None, logs: Iterable[str]) -> bool:
    """Return whether an epoch has the metric that a callback monitors.

    If validation ran but did not log `monitor`, the name is wrong, which Lightning reports itself.

    Args:
        monitor: name of the metric.
        logs: names of what the epoch logged.

    """
    names = set(logs)
    return monitor is None or monitor in names or any(name.startswith("val/") for name in names)
