"""What a study is about now, and was not when it began."""

from collections.abc import Iterator, Mapping
from typing import Any


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield what has changed between two specs, as a user reads it."""
    for key in now:
        old, new = before.get(key), now[key]
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            for part in sorted({*old, *new}):
                if old.get(part) != new.get(part):
                    yield f"{part}: was {old.get(part, 'absent')}, now {new.get(part, 'absent')}"
        else:
            yield f"{key}: was {old}, now {new}"
