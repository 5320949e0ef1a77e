"""Choosing the members of an ensemble.

Caruana, Niculescu-Mizil, Crew and Ksikes 2004, "Ensemble selection from libraries of models".
"""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor


def select(
    predictions: Sequence[Tensor],
    score: Callable[[Tensor], float],
    mode: Literal["min", "max"],
    size: int,
) -> list[int]:
    """Choose models whose averaged predictions have the best P, one at a time, with replacement.

    A model may be taken again, which weighs it. Of all steps the first with the best P is kept,
    so the ensemble is never worse, on these samples, than the best single model.

    Args:
        predictions: of each model for the same samples, (N,) or (N, K), as metrics take them.
        score: P of averaged predictions.
        mode: whether the greater or the smaller P is the better.
        size: how many to choose at most.

    Returns:
        indices into `predictions`, in the order of choice.

    """
    sign = 1.0 if mode == "max" else -1.0
    chosen: list[int] = []
    total = torch.zeros_like(predictions[0])
    best, kept = float("-inf"), 1
    for count in range(1, size + 1):
        values = [sign * score((total + p) / count) for p in predictions]
        index = values.index(max(values))
        chosen.append(index)
        total = total + predictions[index]
        if values[index] > best:
            best, kept = values[index], count
    return chosen[:kept]
