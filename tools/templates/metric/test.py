"""What is specific to this metric; test_contract.py tests the rest."""

import pytest
import torch
from sklearn.metrics import brier_score_loss

from project.metrics.new_option import NewOption

P = torch.tensor([0.9, 0.2, 0.6, 0.5])
TRUTH = torch.tensor([1, 0, 0, 1])


def test_of_two_classes_it_is_that_of_scikit_learn():
    assert float(NewOption()(P, TRUTH)) == pytest.approx(brier_score_loss(TRUTH, P))


def test_batches_add_up_to_the_whole():
    metric = NewOption()
    for part in (slice(0, 1), slice(1, 4)):
        metric.update(P[part], TRUTH[part])
    assert float(metric.compute()) == pytest.approx(float(NewOption()(P, TRUTH)))


def test_a_sure_and_right_answer_scores_zero_and_a_sure_and_wrong_one_scores_one():
    sure = torch.eye(3)
    assert NewOption()(sure, torch.tensor([0, 1, 2])) == 0
    assert NewOption()(sure, torch.tensor([1, 2, 0])) == 1
