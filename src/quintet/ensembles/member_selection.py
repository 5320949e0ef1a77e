"""Ensemble selection.

Caruana, Niculescu-Mizil, Crew and Ksikes 2004, "Ensemble selection from libraries of models".
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Quality = tuple[float, ...]
"""Quality of predictions, compared lexicographically; greater is better."""


def select(
    predictions: Sequence[Tensor], quality: Callable[[Tensor], Quality], size: int
) -> dict[int, int]:
    """Select models greedily, with replacement, by the quality of the averaged predictions.

    Selecting a model again increases its weight. The first step with the best quality is kept, so
    the ensemble is never worse on these samples than the best single model.

    Args:
        predictions: of each model for the same samples, (N,) or (N, K), as metrics expect them.
        quality: of averaged predictions.
        size: maximum number of selections.

    Returns:
        weights by index into `predictions`, in order of selection, reduced to lowest terms.

    """
    chosen: list[int] = []
    total = torch.zeros_like(predictions[0])
    steps: list[Quality] = []
    for count in range(1, size + 1):
        found = [quality((total + p) / count) for p in predictions]
        chosen.append(found.index(max(found)))
        total = total + predictions[chosen[-1]]
        steps.append(max(found))
    votes = Counter(chosen[: steps.index(max(steps)) + 1])
    common = math.gcd(*votes.values())
    return {index: count // common for index, count in votes.items()}
