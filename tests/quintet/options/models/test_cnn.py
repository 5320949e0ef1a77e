"""The convolutional net: how it fits itself to the image, and its accuracy on digits."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from quintet.base.errors import Code
from quintet.options.models.cnn import CNN
from refusals import Refusal


@pytest.mark.parametrize(
    ("side", "stages"), [(1, 1), (4, 1), (8, 2), (16, 3), (28, 3), (32, 4), (64, 4)]
)
def test_depth_follows_the_image(side: int, stages: int) -> None:
    model = CNN([3, side, side], 2, width=4)
    assert sum(isinstance(layer, nn.MaxPool2d) for layer in model.stages) == stages - 1
    assert model.head.in_features == 4 * 2 ** (stages - 1)
    assert model(torch.randn(2, 3, side, side)).shape == (2, 2)


def test_deepest_possible_net_reaches_one_pixel() -> None:
    model = CNN([1, 8, 9], 2, width=2, depth=4)
    assert model.stages(torch.randn(2, 1, 8, 9)).shape == (2, 16, 1, 1)


def test_an_image_too_small_for_the_depth_is_refused() -> None:
    with Refusal(Code.INCOMPATIBLE, match=r"8x9 pixels is too small for 5 stages.* 4 are possible"):
        CNN([1, 8, 9], 2, depth=5)


def test_channels_may_be_listed() -> None:
    assert CNN([1, 8, 8], 2, width=[6, 5, 4]).head.in_features == 4


def test_without_batch_norm_the_convolutions_have_a_bias() -> None:
    layers = CNN([1, 8, 8], 2, batch_norm=False).stages
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in layers)
    assert all(layer.bias is not None for layer in layers if isinstance(layer, nn.Conv2d))


@pytest.mark.slow
def test_the_default_learns_digits_with_momentum_and_one_cycle() -> None:
    data = load_digits()
    x = torch.tensor(data.images, dtype=torch.float32)[:, None]
    x, y = (x - x.mean()) / x.std(), torch.tensor(data.target)
    torch.manual_seed(0)
    order = torch.randperm(len(x))
    train, test = order[:1437], order[1437:]
    model = CNN([1, 8, 8], 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=12 * 23)
    for _ in range(12):
        for rows in train[torch.randperm(len(train))].split(64):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        assert (model(x[test]).argmax(1) == y[test]).float().mean().item() >= 0.985
