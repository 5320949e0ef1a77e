"""The promises of the example metric; test_contract.py tests those of every metric."""

import pytest
import torch
from sklearn.metrics import recall_score

from project.metrics.geometric_mean import GeometricMean

P = torch.rand(40, 3, generator=torch.manual_seed(0)).softmax(1)
TRUTH = torch.arange(40) % 3


def test_it_is_the_geometric_mean_of_scikit_learns_recalls():
    recalls = torch.tensor(recall_score(TRUTH, P.argmax(1), average=None))
    expected = float(recalls.prod() ** (1 / 3))
    assert float(GeometricMean(3)(P, TRUTH)) == pytest.approx(expected)


def test_batches_add_up_to_the_whole():
    metric = GeometricMean(3)
    for part in (slice(0, 7), slice(7, 40)):
        metric.update(P[part], TRUTH[part])
    assert float(metric.compute()) == pytest.approx(float(GeometricMean(3)(P, TRUTH)))


def test_a_class_that_is_never_found_makes_it_zero():
    assert GeometricMean(2)(torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0, 0, 1])) == 0
