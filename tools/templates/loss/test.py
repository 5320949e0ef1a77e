"""What is specific to this loss; test_contract.py tests the rest."""

import math

import pytest
import torch
from torch.nn import functional

from project.losses.new_option import NewOption


def test_without_epsilon_it_is_cross_entropy():
    logits, target = torch.randn(6, 3, generator=torch.manual_seed(0)), torch.arange(6) % 3
    expected = functional.cross_entropy(logits, target)
    torch.testing.assert_close(NewOption(epsilon=0.0)(logits, target), expected)


def test_a_guess_among_four_classes_costs_what_one_works_out_by_hand():
    loss = NewOption(epsilon=2.0)(torch.zeros(5, 4), torch.zeros(5, dtype=torch.long))
    assert float(loss) == pytest.approx(math.log(4) + 2 * 3 / 4)
