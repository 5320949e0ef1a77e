"""The transformer: padding, positions and its heads."""

import pytest
import torch
from torch import nn

from quintet.base.errors import Code, UserError
from quintet.options.models.transformer import Transformer, sinusoids


def test_padding_does_not_change_the_result() -> None:
    model = Transformer([7], 3, vocabulary=9, dropout=0.0)
    bare, padded = torch.tensor([[4, 2, 8]]), torch.tensor([[4, 2, 8, 0, 0, 0, 0]])
    torch.testing.assert_close(model(padded), model(bare))
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(padded), model(bare))


@pytest.mark.parametrize("training", [True, False])
def test_an_empty_sample_gives_finite_outputs(training: bool) -> None:
    model = Transformer([4], 3, vocabulary=9).train(training)
    with torch.set_grad_enabled(training):
        assert model(torch.zeros(1, 4, dtype=torch.long)).isfinite().all()


def test_order_of_the_tokens_matters() -> None:
    model, x = Transformer([4], 3, vocabulary=9).eval(), torch.tensor([[5, 2, 7, 3]])
    assert not torch.allclose(model(x), model(x.flip(1)))


def test_positions_are_those_of_the_paper() -> None:
    encoded = sinusoids(50, 6)
    assert encoded[0].tolist() == [0, 1, 0, 1, 0, 1]
    angle = torch.tensor(7 / 10_000 ** (4 / 6))
    torch.testing.assert_close(encoded[7, 4:], torch.stack([angle.sin(), angle.cos()]))
    assert sinusoids(5, 3).shape == (5, 3)


def test_layers_start_out_different() -> None:
    first, second = Transformer([4, 2], 3).layers
    assert not torch.equal(first.linear1.weight, second.linear1.weight)


def test_norm_comes_first() -> None:
    assert all(layer.norm_first for layer in Transformer([4, 2], 3).layers)


@pytest.mark.parametrize("name", ["silu", "tanh"])
def test_activation_is_the_chosen_one(name: str) -> None:
    layer = Transformer([4, 2], 3, activation=name).layers[0]
    assert isinstance(layer.activation, {"silu": nn.SiLU, "tanh": nn.Tanh}[name])


def test_a_width_that_heads_do_not_divide_is_refused_with_the_next() -> None:
    with pytest.raises(UserError) as caught:
        Transformer([4, 2], 3, width=50)
    assert caught.value.code is Code.INCOMPATIBLE
    assert caught.value.key == "model.width"
