"""Significance of the differences of a few pairs, such as runs with equal seeds.

The interval is Student's; the test flips signs: if the two choices were equal, each difference
might as well have had the other sign (Fisher 1935, "The design of experiments", ch. 3). All flips
are counted, so the test is exact for as few pairs as there are.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from quintet.analysis.bootstrap import COVERAGE, ConfidenceInterval

EXACT = 14
"""Pairs up to which all 2^n flips are counted; of more, as many at random."""


@dataclass(frozen=True)
class Paired:
    """The differences a - b of pairs.

    Args:
        mean: with Student's 95 % interval.
        deviation: standard deviation of the differences.
        p: share of sign flips whose mean is as far from zero, both sides.
        least: the smallest p that as many pairs can give.

    """

    mean: ConfidenceInterval
    deviation: float
    p: float
    least: float


def paired(differences: list[float]) -> Paired:
    """Test the differences of at least two pairs."""
    from scipy.special import stdtrit

    d = np.asarray(differences, dtype=np.float64)
    count, mean, deviation = len(d), float(d.mean()), float(d.std(ddof=1))
    half = float(stdtrit(count - 1, (1 + COVERAGE) / 2)) * deviation / count**0.5
    if count <= EXACT:
        flips = np.array(list(product((1.0, -1.0), repeat=count)))
    else:
        flips = np.random.default_rng(0).choice((1.0, -1.0), size=(2**EXACT, count))
        flips[0] = 1.0
    far = np.abs((flips * d).mean(axis=1)) >= abs(mean) * (1 - 1e-9)
    return Paired(
        ConfidenceInterval(mean, mean - half, mean + half),
        deviation,
        float(far.mean()),
        2 / 2**count,
    )
