"""The residual net: the paper's count of layers, its shapes and its shortcuts."""

import pytest
import torch
from torch import nn

from quintet.base.errors import Code
from quintet.options.models.resnet import BasicBlock, ResNet
from refusals import Refusal


@pytest.mark.parametrize("depth", [1, 3])
def test_it_has_6n_plus_2_layers(depth: int) -> None:
    kernels = [
        each for each in ResNet([3, 8, 8], 2, depth=depth).modules() if isinstance(each, nn.Conv2d)
    ]
    on_the_main_path = [each for each in kernels if each.kernel_size == (3, 3)]
    assert len(on_the_main_path) + 1 == 6 * depth + 2


def test_stages_halve_the_image_and_double_the_channels() -> None:
    model = ResNet([3, 32, 32], 2, width=4)
    assert model.blocks(model.stem(torch.randn(2, 3, 32, 32))).shape == (2, 16, 8, 8)


def test_a_block_whose_branch_is_silent_passes_its_input_on() -> None:
    block, x = BasicBlock(4, 4, 1, "relu", 0.0), torch.rand(2, 4, 8, 8)
    nn.init.zeros_(block.branch[-1].weight)
    assert torch.equal(block(x), x)


def test_an_image_too_small_is_refused() -> None:
    with Refusal(Code.INCOMPATIBLE, match="3x8 pixels is too small"):
        ResNet([1, 3, 8], 2)
