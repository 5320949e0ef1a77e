"""Differences between two configs."""

from collections.abc import Iterator, Mapping
from typing import Any

from quintet.comparison.side import Side
from quintet.config.references import value
from quintet.study.spec import shown

IGNORED = ("facts", "paths", "overrides", "choices", "resume", "study", "logger", "report", "debug")
"""Keys that are not choices: derived, or about places and logging."""
DERIVED = ("_target_", "total_steps")
"""Keys that follow from others."""


def differences(a: Side, b: Side) -> dict[str, tuple[str, str]]:
    """Return the differing values by key: the choices first, then all other values.

    Parameters that a sweep varied are shown as their search space.
    """
    one, two = (_flat(side) for side in (a, b))
    return {
        key: (one.get(key, "–"), two.get(key, "–"))
        for key in dict.fromkeys([*one, *two])
        if one.get(key, "–") != two.get(key, "–")
    }


def _flat(side: Side) -> dict[str, str]:
    space = {key: f"varied: {text}" for key, text in shown(side.spec)["space"].items()}
    chosen = {key: str(value) for key, value in side.first.record.choices.items()}
    if side.kind == "run":
        chosen.pop("sweeper", None)
    values = {key: node for key, node in side.first.cfg.items() if key not in IGNORED}
    values.pop("sweeper", None)
    place, seed = (str(value(side.first.cfg, key)) for key in ("paths.run", "seed"))
    settings = {
        key: text
        for key, text in _leaves(values)
        if not text.startswith(place) and not (key.endswith(".seed") and text == seed)
    }
    return chosen | settings | space


def _leaves(node: Any, at: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping) and node:
        for key, value in node.items():
            if key not in DERIVED:
                yield from _leaves(value, f"{at}.{key}" if at else str(key))
    elif at:
        yield at, str(node)
