"""What is specific to this optimizer; test_contract.py tests the rest."""

import pytest
import torch

from project.optimizers.new_option import NewOption
from quintet.base.errors import Code, UserError


def test_every_step_is_as_long_as_the_rate_whatever_the_gradient():
    weight = torch.tensor([1.0, 1.0, 1.0], requires_grad=True)
    weight.grad = torch.tensor([100.0, -1e-6, 0.0])
    NewOption([weight], lr=0.1).step()
    torch.testing.assert_close(weight.detach(), torch.tensor([0.9, 1.1, 1.0]))


def test_weights_decay_apart_from_the_gradient():
    weight = torch.tensor([2.0], requires_grad=True)
    weight.grad = torch.zeros(1)
    NewOption([weight], lr=0.1, weight_decay=0.5).step()
    assert float(weight.detach()) == pytest.approx(2 * (1 - 0.1 * 0.5))


def test_it_goes_down_a_bowl_and_stays_there():
    weight = torch.tensor([3.0, -2.0], requires_grad=True)
    optimizer = NewOption([weight], lr=0.01)
    for _ in range(600):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert float(weight.detach().abs().max()) < 0.5  # steps of one size: it circles the bottom


def test_an_impossible_beta_is_refused():
    with pytest.raises(UserError) as caught:
        NewOption([torch.zeros(1)], betas=(0.9, 1.0))
    assert (caught.value.code, caught.value.key) == (Code.OUT_OF_RANGE, "optimizer.betas")
