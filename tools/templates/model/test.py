"""What is specific to this model; test_contract.py tests the rest."""

import pytest
import torch

from project.models.new_option import NewOption
from quintet.base.errors import UserError


def test_blocks_that_give_nothing_leave_a_linear_model():
    model, x = NewOption([4], 2, width=8, depth=3), torch.randn(5, 4)
    for block in model.blocks:
        for parameter in block.parameters():
            torch.nn.init.zeros_(parameter)
    assert torch.equal(model(x), model.head(model.first(x)))


def test_depth_counts_the_blocks():
    assert len(NewOption([4], 2, depth=3).blocks) == 3


def test_an_impossible_depth_is_refused():
    with pytest.raises(UserError, match=r"model\.depth=0"):
        NewOption([4], 2, depth=0)
