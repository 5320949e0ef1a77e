import numpy as np
import pytest

from quintet.analysis.bootstrap import difference, weights
from quintet.analysis.intervals import intervals
from quintet.artifacts.predictions_file import Predictions


def classified(right: np.ndarray) -> Predictions:
    p = np.where(right, 0.9, 0.1).astype(np.float32)
    return Predictions("binary", np.arange(len(right)), np.ones(len(right), int), p, len(right))


def forecast(error: np.ndarray, ordered: bool) -> Predictions:
    zero = np.zeros((len(error), 1), np.float32)
    predicted = error[:, None].astype(np.float32)
    return Predictions("regression", np.arange(len(error)), zero, predicted, len(error), ordered)


def test_weights_are_those_of_samples_drawn_with_replacement():
    drawn = np.concatenate(list(weights(50)))
    assert drawn.shape == (1000, 50)
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    counts = drawn * 50
    assert np.abs(counts - counts.round()).max() < 1e-9
    assert counts.var() == pytest.approx(1 - 1 / 50, abs=0.02)  # of a binomial(50, 1/50)


def test_the_interval_of_a_share_is_that_of_theory():
    found = intervals(classified(np.arange(400) < 360), ["accuracy"])["accuracy"]
    error = 1.96 * np.sqrt(0.9 * 0.1 / 400)
    assert found.value == pytest.approx(0.9)
    assert found.low == pytest.approx(0.9 - error, abs=0.004)
    assert found.high == pytest.approx(0.9 + error, abs=0.004)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    draw = np.random.default_rng(3)
    hits = 0
    for _ in range(100):
        found = intervals(classified(draw.random(120) < 0.8), ["accuracy"])["accuracy"]
        hits += found.low <= 0.8 <= found.high
    assert 90 <= hits <= 98


def test_errors_that_last_make_the_interval_of_a_series_wider():
    draw = np.random.default_rng(5)
    error = np.convolve(draw.normal(size=320), np.ones(20) / 20, mode="valid")
    wide, narrow = (intervals(forecast(error, o), ["mae"])["mae"] for o in (True, False))
    assert wide.value == narrow.value
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_a_paired_difference_is_surer_than_two_intervals():
    draw = np.random.default_rng(7)
    hard = draw.random(300) < 0.8
    a, b = classified(hard), classified(hard & (np.arange(300) % 20 > 0))
    found = difference(a, b, "accuracy")
    alone = intervals(a, ["accuracy"])["accuracy"]
    assert found.low > 0
    assert found.high - found.low < 0.5 * (alone.high - alone.low)


def test_models_that_answered_other_samples_are_not_compared():
    with pytest.raises(ValueError, match="same samples"):
        difference(classified(np.ones(4, bool)), classified(np.ones(5, bool)), "accuracy")


def test_the_interval_of_a_perfect_score_has_a_width() -> None:
    perfect = classified(np.full(180, True))
    found = intervals(perfect, ["accuracy", "f1"])
    assert found["accuracy"].low == pytest.approx(180 / (180 + 1.96**2), abs=1e-4)
    assert np.isnan(found["f1"].low)  # resamples of no error show none
