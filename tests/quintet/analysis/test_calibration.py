import numpy as np
import pytest

from quintet.analysis.calibration import calibration
from quintet.artifacts.predictions_file import Predictions

DRAW = np.random.default_rng(2)


def answered(p: np.ndarray, target: np.ndarray) -> Predictions:
    return Predictions("binary", np.arange(len(p)), target, p.astype(np.float32), len(p))


def test_an_honest_model_is_within_chance():
    beyond = 0
    for _ in range(40):
        p = DRAW.random(300)
        found = calibration(answered(p, (DRAW.random(300) < p).astype(int)))
        beyond += found.ece > found.by_chance
    assert beyond <= 5  # two are to be expected


def test_an_overconfident_model_is_found_out():
    p = np.where(DRAW.random(500) < 0.5, 0.98, 0.02)
    target = (DRAW.random(500) < np.where(p > 0.5, 0.7, 0.3)).astype(int)
    found = calibration(answered(p, target))
    assert found.ece == pytest.approx(0.28, abs=0.05)
    assert found.ece > 3 * found.by_chance


def test_few_samples_forgive_more():
    p = DRAW.random(1000)
    target = (DRAW.random(1000) < p).astype(int)
    few, many = calibration(answered(p[:60], target[:60])), calibration(answered(p, target))
    assert few.by_chance > 2 * many.by_chance


def test_the_error_is_the_mean_distance_by_hand():
    p = np.array([[0.1, 0.9], [0.15, 0.85], [0.4, 0.6], [0.55, 0.45]])
    found = calibration(
        Predictions("multiclass", np.arange(4), np.array([1, 0, 1, 0]), p.astype(np.float32), 4)
    )
    assert found.ece == pytest.approx((0.1 + 0.85 + 0.4 + 0.45) / 4, abs=1e-6)


def test_values_have_no_confidence():
    value = np.zeros((3, 1), np.float32)
    assert calibration(Predictions("regression", np.arange(3), value, value, 3)) is None
