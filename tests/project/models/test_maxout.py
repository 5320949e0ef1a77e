"""The promises of the example model; test_contract.py tests those of every model."""

import pytest
import torch

from project.models.maxout import Maxout
from quintet.base.errors import UserError


def test_a_unit_is_the_largest_of_its_pieces():
    model = Maxout([1], 1, width=1, depth=1, pieces=2)
    with torch.no_grad():  # max(x, -x) is |x|
        model.hidden[0].weight.copy_(torch.tensor([[1.0], [-1.0]]))
        model.hidden[0].bias.zero_()
        model.head.weight.fill_(1.0)
        model.head.bias.zero_()
    x = torch.tensor([[-3.0], [2.0]])
    assert torch.equal(model(x), x.abs())


def test_with_one_piece_it_is_linear():
    model = Maxout([3], 2, pieces=1).eval()
    x, y = torch.randn(2, 5, 3, generator=torch.manual_seed(0))
    torch.testing.assert_close(model(x) + model(y), 2 * model((x + y) / 2))


@pytest.mark.parametrize("wrong", [{"width": 0}, {"depth": 0}, {"pieces": 0}, {"dropout": 1.0}])
def test_an_impossible_size_is_refused(wrong):
    (key,) = wrong
    with pytest.raises(UserError, match=rf"model\.{key}="):
        Maxout([3], 2, **wrong)
