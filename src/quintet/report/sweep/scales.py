"""Positions of hyperparameter values on an axis: in [0, 1], on the parameter's scale."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from quintet.base.formatting import rounded
from quintet.study.space import Choice, Interval, Parameter, Space

ABSENT = -0.12
"""Position of trials that do not have the parameter."""


def parameter(space: Space, key: str) -> Parameter | None:
    """Return a parameter of the space, numbers by size however they were typed; None if unknown."""
    found = next((p for p in space.parameters if p.key == key), None)
    if not isinstance(found, Choice):
        return found
    try:
        return replace(found, values=tuple(sorted(found.values, key=float)))
    except ValueError:  # names
        return found


def place(p: Parameter, point: Mapping[str, str]) -> float | None:
    """Return the position on a parameter's axis; None if there is none."""
    value = point.get(p.key)
    if value is None:
        return None
    try:
        return p.unit(value)
    except ValueError:  # a value from outside the range
        return None


def ticks(p: Parameter, most: int = 6) -> dict[str, Any]:
    """Return the ticks of a parameter's axis, for plotly."""
    values = list(p.values) if isinstance(p, Choice) else _round_values(p, most)
    return {
        "tickvals": [p.unit(value) for value in values],
        "ticktext": [rounded(value) for value in values],
        "range": [-0.04, 1.04],
        "zeroline": False,
    }


def _round_values(p: Interval, most: int) -> list[str]:
    if p.scale == "log":
        return _decades(p, most)
    if p.scale == "reverse_log":
        return [p.at(i / 4) for i in range(5)]
    return _steps(p, most)


def _steps(p: Interval, most: int) -> list[str]:
    step = _nice((p.high - p.low) / (most - 1))
    first = math.ceil(p.low / step)
    return [f"{i * step:.6g}" for i in range(first, math.floor(p.high / step + 1e-9) + 1)]


def _decades(p: Interval, most: int) -> list[str]:
    """Return powers of ten; if there would be too few, of two, or multiples of them."""
    finer = [_powers(p, 2)] if p.integer else [_powers(p, 10, m) for m in ((1, 3), (1, 2, 5))]
    for found in (_powers(p, 10), *finer):
        if len(found) > 2:
            return [f"{value:.6g}" for value in found[:: math.ceil(len(found) / most)]]
    return _steps(p, most)


def _powers(p: Interval, base: int, multiples: tuple[int, ...] = (1,)) -> list[float]:
    """Return the powers of a number, and multiples of them, that lie in the range."""
    low, high = (math.floor(math.log(end, base)) for end in (p.low, p.high))
    found = (m * float(base) ** i for i in range(low, high + 1) for m in multiples)
    return [value for value in found if p.low * (1 - 1e-9) <= value <= p.high * (1 + 1e-9)]


def _nice(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= step * 0.999)
