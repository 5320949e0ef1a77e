"""The metric as a function of the number of training samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

EXPONENTS = [c / 20 for c in range(2, 41)]


@dataclass(frozen=True)
class LearningCurve:
    """The curve metric(n) = limit + slope * n ** -exponent, fitted by least squares.

    Cortes, Jackel, Solla, Vapnik and Denker 1993, "Learning curves: asymptotic values and rate of
    convergence".

    Args:
        limit: metric with unlimited data.
        slope: difference from the limit at n = 1.
        exponent: speed of convergence to the limit.
        error: root mean square of the residuals.

    """

    limit: float
    slope: float
    exponent: float
    error: float

    def at(self, size: float) -> float:
        """Return the fitted metric at `size` training samples."""
        return self.limit + self.slope * math.pow(size, -self.exponent)

    def gain(self, size: int, mode: str) -> float:
        """Return the improvement of the metric from doubling `size`; negative if it gets worse."""
        change = self.at(2 * size) - self.at(size)
        return change if mode == "max" else -change


def fit(sizes: Sequence[int], values: Sequence[float], mode: str) -> LearningCurve:
    """Fit the curve to three or more sizes; the exponent is the best on a grid from 0.1 to 2.

    The limit is at most 1 if greater is better, and at least 0 otherwise.
    """
    n = torch.tensor(sizes, dtype=torch.float64)
    p = torch.tensor(values, dtype=torch.float64)
    perfect = 1.0 if mode == "max" else 0.0
    found = []
    for exponent in EXPONENTS:
        x = n**-exponent
        both = torch.stack([torch.ones_like(x), x], dim=1)
        limit, slope = torch.linalg.lstsq(both, p[:, None]).solution[:, 0].tolist()
        if (limit > perfect) == (mode == "max"):
            limit, slope = perfect, float((x * (p - perfect)).sum() / x.square().sum())
        error = float((limit + slope * x - p).square().mean().sqrt())
        found.append(LearningCurve(limit, slope, exponent, error))
    return min(found, key=lambda growth: growth.error)


def advice(growth: LearningCurve, size: int, name: str, mode: str) -> str:
    """Return advice on whether more labelled data would help."""
    gain = growth.gain(size, mode)
    expected = (
        f"Twice the training data, {2 * size:,} samples: {name} "
        f"{growth.at(size):.4f} → {growth.at(2 * size):.4f} by the fitted curve "
        f"(which misses the points by {growth.error:.4f})."
    )
    if gain > 2 * growth.error:
        return f"{expected} More labels would help."
    if gain > growth.error:
        return f"{expected} More labels may help a little."
    return f"{expected} More labels would hardly help: try another model or other inputs."
