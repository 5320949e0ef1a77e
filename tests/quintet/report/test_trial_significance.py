"""Significance of one trial's lead over another, given more than two numbers."""

import numpy as np
import pytest

from quintet.analysis.significance import judge_answers, judge_folds
from quintet.artifacts.predictions_file import Predictions

COUNT = 400


def answers(errors):
    """Answers to the same regression problem, off by `errors`."""
    index = np.arange(COUNT)
    target = np.random.default_rng(0).normal(size=(COUNT, 1))
    predicted = (target + np.asarray(errors)[:, None]).astype(np.float32)
    return Predictions("regression", index, target, predicted, COUNT)


@pytest.mark.parametrize(("scale", "kind"), [(1.0, "chance"), (2.0, "clear")])
def test_the_same_samples_tell_any_metric(scale, kind):
    errors = np.random.default_rng(1).normal(size=COUNT)
    a, b = answers(errors), answers(scale * np.roll(errors, 1))
    judged = judge_answers("rmse", a, b, trials=20)
    assert judged.kind == kind
    assert "the same 400 samples" in judged.reason


def test_the_best_of_many_must_lead_by_more():
    draw = np.random.default_rng(3)
    a = draw.normal(size=COUNT)
    b = a * 1.05 + 0.4 * draw.normal(size=COUNT)
    kinds = [judge_answers("mae", answers(a), answers(b), n).kind for n in (1, 10**9)]
    assert kinds == ["clear", "unsure"]


def test_other_samples_and_metrics_of_ones_own_tell_nothing():
    a = answers(np.zeros(COUNT))
    other = Predictions("regression", a.index + 1, a.target, a.predicted, COUNT)
    assert judge_answers("rmse", a, other) is None
    assert judge_answers("my_own", a, a) is None


def folds(*values):
    return {f"folds/{i}": value for i, value in enumerate(values)}


def test_folds_are_compared_one_by_one_with_the_enlarged_variance():
    a = folds(0.90, 0.92, 0.88, 0.91, 0.93)
    near = folds(0.89, 0.92, 0.89, 0.90, 0.93)
    far = folds(0.70, 0.73, 0.69, 0.72, 0.72)
    assert judge_folds(a, near).kind == "chance"
    assert judge_folds(a, far, trials=10).kind == "clear"
    # t = .01 / (.01 * sqrt(1/5 + 1/4)) = 1.49 of 4 degrees of freedom; a plain test would say 2.24
    slightly = folds(0.90, 0.90, 0.88, 0.89, 0.92)
    assert judge_folds(a, slightly).kind == "chance"
    assert judge_folds(a, {}).kind == "unknown"
