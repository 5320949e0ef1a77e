"""The interval of a score, in one place for all pages.

A share of independent samples has Wilson's interval, which is right near 0 and 1 too, where a
bootstrap of no error is an interval of no width (Brown, Cai and DasGupta 2001, "Interval estimation
for a binomial proportion"). Every other measure has the bootstrap's.
"""

import math

import numpy as np

from quintet.analysis import bootstrap
from quintet.analysis.bootstrap import ConfidenceInterval
from quintet.analysis.measures import MEASURES, Floats
from quintet.analysis.significance import NORMAL
from quintet.artifacts.predictions_file import Predictions

SHARES = ("accuracy",)
"""Measures that count samples: right ones among all."""


def intervals(predictions: Predictions, names: list[str]) -> dict[str, ConfidenceInterval]:
    """Return measures by name, each with its interval.

    Samples that follow each other in time err alike, so shares of them are bootstrapped in blocks.
    Bounds are NaN where all resamples agree, as for an F1 of 1: they do not say how far it could be
    off.

    Args:
        predictions: of one split.
        names: of `MEASURES`; others are left out.

    """
    known = [name for name in names if name in MEASURES]
    shares = [] if predictions.ordered else [name for name in known if name in SHARES]
    resampled = _resampled(predictions, [name for name in known if name not in shares])
    count = len(predictions)
    counted = {n: wilson(bootstrap.measured(predictions, n), count) for n in shares}
    return {name: (counted | resampled)[name] for name in known}


def of_value(metric: str, value: float | None, count: int | None) -> ConfidenceInterval | None:
    """Return the interval of a value whose predictions were not saved, if its size says enough."""
    return wilson(value, count) if metric in SHARES and value is not None and count else None


def wilson(share: float, count: int) -> ConfidenceInterval:
    """Return the 95 % interval of a share of `count` samples (Wilson 1927)."""
    z2 = NORMAL**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    spread = share * (1 - share) / count + z2 / (4 * count**2)
    half = NORMAL / (1 + z2 / count) * math.sqrt(spread)
    return ConfidenceInterval(share, max(0.0, middle - half), min(1.0, middle + half))


def _resampled(predictions: Predictions, names: list[str]) -> dict[str, ConfidenceInterval]:
    drawn: dict[str, list[Floats]] = {name: [] for name in names}
    for part in bootstrap.weights(len(predictions), predictions.ordered) if names else ():
        for name in names:
            drawn[name].append(MEASURES[name](predictions, part))
    return {name: _of_drawn(predictions, name, np.concatenate(drawn[name])) for name in names}


def _of_drawn(predictions: Predictions, name: str, drawn: Floats) -> ConfidenceInterval:
    found = bootstrap.interval(bootstrap.measured(predictions, name), drawn)
    if np.isclose(found.low, found.high, rtol=1e-12, atol=0):
        return ConfidenceInterval(found.value, math.nan, math.nan)
    return found
