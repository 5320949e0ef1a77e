"""The multilayer perceptron: its layers, their order, and its accuracy on digits."""

from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from quintet.base.errors import Code, UserError
from quintet.options.models.mlp import MLP


def layer_types(**arguments: Any) -> list[type[nn.Module]]:
    return [type(layer) for layer in MLP([4], 2, **arguments).hidden]


def test_order_is_linear_norm_activation_dropout() -> None:
    layers = layer_types(depth=1, activation="tanh", batch_norm=True, dropout=0.5)
    assert layers == [nn.Linear, nn.BatchNorm1d, nn.Tanh, nn.Dropout]


def test_depth_counts_hidden_layers() -> None:
    assert layer_types(depth=3).count(nn.Linear) == 3


def test_widths_may_differ() -> None:
    sizes = [layer.out_features for layer in MLP([4], 2, width=[7, 5]).hidden[::2]]
    assert sizes == [7, 5]


def test_dropout_acts_in_training_only() -> None:
    model, x = MLP([4], 2, dropout=0.5), torch.randn(3, 4)
    assert not torch.equal(model(x), model(x))
    assert torch.equal(model.eval()(x), model(x))


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        MLP([4], 2, activation="softmax")
    assert caught.value.code is Code.UNKNOWN_NAME
    assert caught.value.key == "model.activation"


def test_the_default_learns_digits() -> None:
    data = load_digits()
    x, y = torch.tensor(data.data, dtype=torch.float32), torch.tensor(data.target)
    x = (x - x.mean()) / x.std()
    torch.manual_seed(0)
    order = torch.randperm(len(x))
    train, test = order[:1437], order[1437:]
    model = MLP([64], 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(30):
        for rows in train[torch.randperm(len(train))].split(64):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert (model(x[test]).argmax(1) == y[test]).float().mean().item() >= 0.96
