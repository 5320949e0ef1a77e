"""Transforms of regression targets in training, undone in metrics and predictions."""

from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError, check_known
from quintet.problems import problem_of

TargetTransform = Literal["log", "log1p"]
FEWEST, SKEWED = 20, 2.0
"""Sample size for the skewness, and that of an exponential distribution: a long tail."""
LARGEST = 80.0
"""Maximum exponent: more is out of range of 32-bit floating point."""


def transformed(y: Tensor, how: TargetTransform | None) -> Tensor:
    """Return targets as used in training: log(y), log(1 + y), or unchanged."""
    if how is None:
        return y
    return y.log() if how == "log" else y.log1p()


def undone(values: Tensor, how: TargetTransform | None) -> Tensor:
    """Return values on the scale of training in the target's own units."""
    if how is None:
        return values
    values = values.clamp(max=LARGEST)
    return values.exp() if how == "log" else values.expm1()


def less_skewed(values: NDArray[np.float64]) -> str:
    """Return the transform that makes a target with a long upper tail symmetric, if one does."""
    if len(values) < FEWEST or values.min() < 0:
        return ""
    name, moved = ("log", np.log) if values.min() > 0 else ("log1p", np.log1p)
    return name if _skewness(values) > SKEWED > 2 * abs(_skewness(moved(values))) else ""


def _skewness(values: NDArray[np.float64]) -> float:
    """Return the third moment of standardised values."""
    spread = values.std()
    return float((((values - values.mean()) / spread) ** 3).mean()) if spread > 0 else 0.0


def check_target(y: Tensor, task: str, how: TargetTransform | None) -> None:
    """Check that targets (N, K) can be transformed.

    Raises:
        UserError: an unknown transform, no regression, or values that have no logarithm.

    """
    if how is None:
        return
    key = "data.target_transform"
    check_known(key, how, get_args(TargetTransform))
    if not problem_of(task).standardised:
        raise UserError(
            f"is for a regression, but this is {task}", code=Code.INCOMPATIBLE, key=key, value=how
        )
    low = float(y.min())
    if low <= (0 if how == "log" else -1):
        row = int(torch.nonzero((y == y.min()).any(dim=1))[0])
        raise UserError(
            f"needs values above {0 if how == 'log' else -1}, but sample {row + 1} is {low:g}",
            code=Code.DATA,
            key=key,
            value=how,
            hint="log1p allows 0, as in counts" if how == "log" else "Leave it out",
        )
