"""How far chance moves a number: percentile intervals of the bootstrap.

Efron and Tibshirani 1993, "An introduction to the bootstrap", ch. 13. Samples that follow each
other in time are drawn in blocks, as neighbours err alike: Politis and Romano 1992, "A circular
block-resampling procedure for stationary data".
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quintet.analysis.measures import MEASURES, Floats, equal
from quintet.artifacts.predictions_file import Predictions

RESAMPLES = 1000
COVERAGE = 0.95
SEED = 0
NUMBERS = 2_000_000
"""Weights held at a time."""


@dataclass(frozen=True)
class ConfidenceInterval:
    """A value and the interval that covers the true one in 95 of 100 such experiments."""

    value: float
    low: float
    high: float


def weights(count: int, ordered: bool = False, resamples: int = RESAMPLES) -> Iterator[Floats]:
    """Yield the weights (B, N) of resampled data sets, `resamples` rows in all.

    Args:
        count: samples.
        ordered: draw blocks of N^(1/3) neighbours.
        resamples: how many.

    """
    draw, block = np.random.default_rng(SEED), block_of(count, ordered)
    starts = -(-count // block)
    while resamples > 0:
        rows = min(resamples, max(1, NUMBERS // count))
        index = draw.integers(count, size=(rows, starts))
        if block > 1:
            run = (index[:, :, None] + np.arange(block)) % count
            index = run.reshape(rows, -1)[:, :count]
        flat = (index + count * np.arange(rows)[:, None]).ravel()
        yield np.bincount(flat, minlength=rows * count).reshape(rows, count) / count
        resamples -= rows


def block_of(count: int, ordered: bool) -> int:
    """Return how many neighbours are drawn together."""
    return max(1, round(count ** (1 / 3))) if ordered else 1


def measured(predictions: Predictions, name: str) -> float:
    """Return a measure of the predictions as they are."""
    return float(MEASURES[name](predictions, equal(len(predictions)))[0])


def difference(a: Predictions, b: Predictions, name: str) -> ConfidenceInterval:
    """Return by how much a measure of `a` is above that of `b`, on the same resampled samples.

    Raises:
        ValueError: the two are not of the same samples.

    """
    if not np.array_equal(a.index, b.index) or not np.array_equal(a.target, b.target):
        raise ValueError("not the same samples")
    measure = MEASURES[name]
    drawn = [measure(a, part) - measure(b, part) for part in weights(len(a), a.ordered)]
    return interval(measured(a, name) - measured(b, name), np.concatenate(drawn))


def interval(value: float, drawn: NDArray[np.float64]) -> ConfidenceInterval:
    """Return the percentile interval of a value that came out as `drawn` on resampled data."""
    if not np.isfinite(drawn).any():
        return ConfidenceInterval(value, np.nan, np.nan)
    low, high = np.nanquantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return ConfidenceInterval(value, float(low), float(high))
