"""Code that no folder may run: it records that it was called."""

from typing import Any

CALLS: list[tuple[Any, ...]] = []


def fired(*arguments: Any, **named: Any) -> None:
    """Note a call."""
    CALLS.append((*arguments, *named.items()))


class Fired:
    """Notes that it was built."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        fired(*arguments, **named)
