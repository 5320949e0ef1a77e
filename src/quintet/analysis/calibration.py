"""Calibration: of all predictions with a confidence of 80 %, 80 % should be correct.

Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quintet.artifacts.predictions_file import Predictions

BINS = 15
DRAWS = 300


@dataclass(frozen=True)
class Calibration:
    """A reliability diagram.

    Args:
        confidence: mean confidence in each bin that has samples.
        share: of its predictions that are correct.
        count: samples in it.
        ece: expected calibration error, the mean distance of the two.
        by_chance: the ECE that a perfectly calibrated model would show on as few samples, in 95 of
            100 cases at most (Bröcker and Smith 2007, "Increasing the reliability of reliability
            diagrams").

    """

    confidence: NDArray[np.float64]
    share: NDArray[np.float64]
    count: NDArray[np.int64]
    ece: float
    by_chance: float


def calibration(predictions: Predictions) -> Calibration | None:
    """Return how well confidence and accuracy agree; None where there are no probabilities.

    Of classes the confidence is the probability of the predicted one; of labels, each label's
    own probability counts, whatever was predicted.
    """
    claims = predictions.problem.claims(predictions.target, predictions.predicted)
    if claims is None or not len(predictions):
        return None
    confidence, right = claims
    return reliability(np.asarray(confidence, dtype=np.float64), right)


def reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration:
    """Return the reliability diagram of claims (M,) that came true or not (M,)."""
    where = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(where, minlength=BINS)
    used = count > 0
    claimed = np.bincount(where, confidence, BINS).astype(np.float64)
    success = np.bincount(where, right.astype(np.float64), BINS)
    return Calibration(
        confidence=claimed[used] / count[used],
        share=success[used] / count[used],
        count=count[used],
        ece=float(np.abs(claimed - success).sum() / len(confidence)),
        by_chance=_by_chance(where, confidence, claimed),
    )


def _by_chance(
    where: NDArray[np.int64], confidence: NDArray[np.float64], claimed: NDArray[np.float64]
) -> float:
    draw = np.random.default_rng(0)
    errors = []
    for _ in range(DRAWS):
        right = draw.random(len(confidence)) < confidence
        success = np.bincount(where, right.astype(np.float64), BINS)
        errors.append(np.abs(claimed - success).sum() / len(confidence))
    return float(np.quantile(errors, 0.95))
