"""A small Gaussian process over a space, which ranks candidates by expected improvement."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from quintet.study.space import Params, Space
    from quintet.study.trial import Trial

SCALES = (0.3, 0.6, 1.2)
"""Length scales, of which the most likely one is taken for all parameters."""
NOISE = 0.01
"""Variance of the noise, as a share of that of the values."""
MOST = 300
"""Trials that are modelled: the best and the latest; the cost is cubic in them."""


def expected_improvement(
    candidates: "Sequence[Params]", trials: "Sequence[Trial]", space: "Space", mode: str
) -> "np.ndarray":
    """Return the expected improvement of each candidate over the best trial.

    The values enter by rank, as normal scores, so neither outliers nor the metric's scale matter.
    The kernel is exp(-distance / scale), with distances of up to 2 between numbers and 1 between
    options. Running trials count as the worst, so that workers which ask at a time get different
    params. Jones, Schonlau and Welch 1998, "Efficient global optimization of expensive black-box
    functions".

    Args:
        candidates: params of the space.
        trials: with a value, or running; at least one has a value.
        space: of the candidates and the trials.
        mode: the metric's direction, min or max.

    """
    import numpy as np
    from scipy.linalg import cho_factor, cho_solve, solve_triangular
    from scipy.special import ndtr

    known = _modelled(trials, mode)
    scores = _normal_scores(known, mode)
    places, others = _codes([t.params for t in known], space), _codes(candidates, space)
    near, far = _distances(places, places, space), _distances(others, places, space)
    fits = []
    for scale in SCALES:
        factor = cho_factor(np.exp(-near / scale) + NOISE * np.eye(len(known)), lower=True)
        weights = cho_solve(factor, scores)
        variance = max(float(scores @ weights) / len(known), 1e-9)
        likelihood = -0.5 * len(known) * math.log(variance) - np.log(np.diag(factor[0])).sum()
        fits.append((likelihood, scale, factor[0], weights, variance))
    _, scale, lower, weights, variance = max(fits, key=lambda fit: fit[0])
    kernel = np.exp(-far / scale)
    explained = (solve_triangular(lower, kernel.T, lower=True) ** 2).sum(0)
    deviation = np.sqrt(variance * np.maximum(1 - explained, 1e-9))
    gain = kernel @ weights - scores.max()
    u = gain / deviation
    density = np.exp(-u * u / 2) / math.sqrt(2 * math.pi)
    improvement: np.ndarray = gain * ndtr(u) + deviation * density
    return improvement


def _modelled(trials: "Sequence[Trial]", mode: str) -> "list[Trial]":
    """Return the running trials, and of the others the best and the latest."""
    running = [t for t in trials if t.state == "running"]
    ended = [t for t in trials if t.state != "running" and t.value is not None]
    if len(ended) > MOST:
        best = sorted(ended, key=lambda t: t.value or 0.0, reverse=mode == "max")[: MOST // 2]
        numbers = {t.number for t in (*best, *ended[-MOST // 2 :])}
        ended = [t for t in ended if t.number in numbers]
    return ended + running


def _normal_scores(trials: "Sequence[Trial]", mode: str) -> "np.ndarray":
    """Return the values as quantiles of the normal distribution by rank; the best is highest."""
    import numpy as np
    from scipy.special import ndtri
    from scipy.stats import rankdata

    sign = -1 if mode == "min" else 1
    ended = (t.state != "running" and t.value is not None for t in trials)
    values = [
        sign * (t.value or 0.0) if done else -math.inf
        for t, done in zip(trials, ended, strict=True)
    ]
    scores: np.ndarray = ndtri((rankdata(values) - 0.5) / len(values))
    return scores


def _codes(params: "Sequence[Params]", space: "Space") -> "np.ndarray":
    """Return a row of numbers for each params, with a constant for missing parameters."""
    import numpy as np

    return np.array(
        [
            [
                (p.unit(own[p.key]) if p.ordered else p.values.index(own[p.key]))  # type: ignore[union-attr]
                if p.key in own and p.contains(own[p.key])
                else 0.5
                for p in space.parameters
            ]
            for own in params
        ]
    )


def _distances(one: "np.ndarray", other: "np.ndarray", space: "Space") -> "np.ndarray":
    import numpy as np

    apart = np.abs(one[:, None] - other[None])
    ordered = np.array([p.ordered for p in space.parameters])
    total: np.ndarray = np.where(ordered, 2 * apart, apart != 0).sum(-1)
    return total
