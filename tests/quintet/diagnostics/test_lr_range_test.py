import math
from itertools import pairwise

import pytest
import torch

from quintet.diagnostics.lr_range_test import HIGHEST, LOWEST, Curve, draw, range_test


def bowl(curvature: float) -> Curve:
    """Fit a mean to noisy batches."""
    weight = torch.tensor([5.0], requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0)
    noise = torch.randn(40, 1, generator=torch.Generator().manual_seed(0))
    batches = [(y, y) for y in noise]
    return range_test(lambda b: curvature * (weight - b[1]).square().sum() / 2, optimizer, batches)


@pytest.mark.parametrize("curvature", [1.0, 100.0])
def test_gradient_descent_on_a_bowl_falls_apart_at_its_known_limit(curvature):
    curve = bowl(curvature)
    limit = 2 / curvature  # of stability: Boyd and Vandenberghe 2004, section 9.3
    assert limit / 2 < curve.lowest < 2 * limit
    assert limit / 50 < curve.suggestion < limit
    assert curve.learns


def test_the_rates_rise_evenly_on_a_log_scale():
    rates = bowl(1.0).rates
    steps = [math.log(b / a) for a, b in pairwise(rates)]
    assert rates[0] == LOWEST
    assert rates[-1] <= HIGHEST * 1.01
    assert max(steps) == pytest.approx(min(steps))


def test_a_flat_curve_does_not_learn():
    assert not Curve([1e-3, 1e-2, 1e-1], [2.3, 2.31, 2.3]).learns


def test_the_drawing_marks_both_rates():
    lines = draw(bowl(1.0), chosen=1e-4)
    assert any("o" in line and "^" in line for line in lines)
    assert max(map(len, lines)) < 100
