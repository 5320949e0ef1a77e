"""Ensemble selection.

Caruana, Niculescu-Mizil, Crew and Ksikes 2004, "Ensemble selection from libraries of models".
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

Quality = tuple[float, ...]
"""Quality of predictions, compared lexicographically; greater is better."""


def select(
    predictions: Sequence[Tensor], quality: Callable[[Tensor], Quality], size: int
) -> dict[int, int]:
    """Select models greedily, with replacement, by the quality of the averaged predictions.

    A model may lack predictions of some samples, as one that was not trained on every fold does: an
    average is over those that have them, and the selection as a whole has all.

    Selecting a model again increases its weight. The first step with the best quality is kept, so
    the ensemble is never worse on these samples than the best single model.

    Args:
        predictions: of each model for the same samples, (N,) or (N, K), as metrics expect them; NaN
            where a model has none. One of them has all.
        quality: of averaged predictions.
        size: maximum number of selections.

    Returns:
        weights by index into `predictions`, in order of selection, reduced to lowest terms.

    """
    known = [(~p.isnan()).to(p.dtype) for p in predictions]
    filled = [p.nan_to_num(0.0) for p in predictions]
    chosen: list[int] = []
    total, count = torch.zeros_like(filled[0]), torch.zeros_like(known[0])
    steps: list[Quality] = []
    for _ in range(size):
        pairs = ((total + p, count + k) for p, k in zip(filled, known, strict=True))
        found = [quality(t / n) if (n > 0).all() else (-math.inf,) for t, n in pairs]
        chosen.append(found.index(max(found)))
        total, count = total + filled[chosen[-1]], count + known[chosen[-1]]
        steps.append(max(found))
    votes = Counter(chosen[: steps.index(max(steps)) + 1])
    common = math.gcd(*votes.values())
    return {index: count // common for index, count in votes.items()}


def average(
    predictions: Mapping[int, Tensor] | Sequence[Tensor], votes: Mapping[int, int]
) -> Tensor:
    """Return the mean of predictions, weighted by votes, over the models that have them.

    Args:
        predictions: by model, as for `select`.
        votes: weights by model.

    """
    each = torch.stack([predictions[index] for index in votes])
    weights = torch.tensor([float(count) for count in votes.values()]).to(each)
    weights = weights.reshape(-1, *[1] * (each.ndim - 1)) * ~each.isnan()
    return (each.nan_to_num(0.0) * weights).sum(0) / weights.sum(0)
