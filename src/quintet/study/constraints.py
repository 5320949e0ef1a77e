"""Constraints: what a trial must hold to win a sweep, `constraints={parameters: {max: 20000}}`.

A trial that breaks one is infeasible. Feasible trials come before infeasible ones, whatever their
metric, and of these the one that is closer to the bounds comes first (Deb 2000, "An efficient
constraint handling method for genetic algorithms").
"""

import math
from collections.abc import Mapping

Constraints = Mapping[str, Mapping[str, float]]
"""The bounds, min and max, of each constrained measure by name."""
KEY = "constraints"
"""The field of a study's spec."""
FEASIBLE = "feasible"
"""The column of a sweep with constraints: whether a trial holds all of them."""


def violation(values: Mapping[str, float], constraints: Constraints) -> float:
    """Return by how much bounds are broken, as shares of the bounds, in sum; 0 if none is.

    Args:
        values: of a trial, by name; one that is missing or NaN breaks its bounds without limit.
        constraints: of its sweep.

    Examples:
        >>> bounds = {"parameters": {"max": 20000}, "f1": {"min": 0.8}}
        >>> violation({"parameters": 30000, "f1": 0.9}, bounds)
        0.5

    """
    return math.fsum(
        _excess(values.get(name, math.nan), bound, 1 if side == "max" else -1)
        for name, bounds in constraints.items()
        for side, bound in bounds.items()
    )


def _excess(value: float, bound: float, sign: int) -> float:
    beyond = sign * (value - bound)
    return math.inf if math.isnan(beyond) else max(0.0, beyond) / (abs(bound) or 1.0)


def described(constraints: Constraints) -> str:
    """Return constraints as text.

    Examples:
        >>> described({"parameters": {"max": 20000}, "f1": {"min": 0.8}})
        'parameters at most 20000, f1 at least 0.8'

    """
    sides = {"min": "at least", "max": "at most"}
    return ", ".join(
        f"{name} {sides[side]} {bound:g}"
        for name, bounds in constraints.items()
        for side, bound in bounds.items()
    )
