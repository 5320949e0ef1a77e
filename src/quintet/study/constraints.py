"""Constraints that a trial must satisfy to win a sweep, `constraints={parameters: {max: 20000}}`.

A trial that violates one is infeasible. Feasible trials rank before infeasible ones, whatever their
metric; infeasible ones rank by how close they are to the bounds (Deb 2000, "An efficient
constraint handling method for genetic algorithms").
"""

import math
from collections.abc import Mapping

Constraints = Mapping[str, Mapping[str, float]]
"""The bounds, min and max, of each constrained measure by name."""
KEY = "constraints"
"""The field of a study's spec."""
FEASIBLE = "feasible"
"""The column of a sweep with constraints: whether a trial satisfies all of them."""


def violation(values: Mapping[str, float], constraints: Constraints) -> float:
    """Return the total violation of bounds, relative to each bound; 0 if all are satisfied.

    Args:
        values: of a trial, by name; a missing or NaN one violates its bounds infinitely.
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
