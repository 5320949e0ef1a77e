"""Ensemble selection.

Caruana, Niculescu-Mizil, Crew and Ksikes 2004, "Ensemble selection from libraries of models".
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from quintet.data.samples import Task

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


def likelihood(predicted: Tensor, truth: Tensor, task: Task) -> float:
    """Return the mean log-likelihood of the truth in nats; 0 for regression.

    It distinguishes models with equal accuracy, which takes few values on a validation split of
    some hundred samples.

    Args:
        predicted: probabilities, (N,), (N, C) or (N, L), or values (N, K).
        truth: classes (N,) or labels (N, L).
        task: what is predicted.

    """
    if task == "regression":
        return 0.0
    if task == "multiclass":
        tiny = torch.finfo(predicted.dtype).tiny
        return -float(functional.nll_loss(predicted.clamp_min(tiny).log(), truth))
    return -float(functional.binary_cross_entropy(predicted, truth.to(predicted.dtype)))
