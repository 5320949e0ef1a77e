"""Parts that models share: flattening of mixed tables, widths, argument checks."""

import pytest
import torch
from torch import nn

from quintet.base.errors import Code, UserError
from quintet.options.models.layers import (
    FlatInput,
    at_least,
    dimensions,
    dropout_rate,
    layer_widths,
    make_activation,
)
from refusals import Refusal


def test_categorical_codes_become_one_hot_columns() -> None:
    flat = FlatInput([3], cardinalities=[2, 3])
    out = flat(torch.tensor([[0.5, 1.0, 2.0], [0.1, 0.0, 1.0]]))
    assert flat.size == 6
    assert out.tolist() == torch.tensor([[0.5, 0, 1, 0, 0, 1], [0.1, 1, 0, 0, 1, 0]]).tolist()


def test_large_codes_stay_apart() -> None:
    flat = FlatInput([1], cardinalities=[5000])
    assert flat(torch.tensor([[4999.0], [4998.0]])).argmax(1).tolist() == [4999, 4998]


def test_images_and_sequences_are_flattened() -> None:
    x = torch.randn(2, 3, 4, 5)
    assert torch.equal(FlatInput([3, 4, 5])(x), x.reshape(2, 60))


def test_one_width_repeats_and_grows() -> None:
    assert layer_widths(8, 3, default_depth=1) == [8, 8, 8]
    assert layer_widths(8, 3, default_depth=1, growth=2) == [8, 16, 32]
    assert layer_widths(8, None, default_depth=2) == [8, 8]


@pytest.mark.parametrize("depth", [None, 3])
def test_a_list_gives_one_width_a_layer(depth: int | None) -> None:
    assert layer_widths([64, 32, 16], depth, default_depth=2) == [64, 32, 16]


def test_a_list_that_is_not_as_long_as_the_depth_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        layer_widths([64, 32], 3, default_depth=2)
    assert caught.value.code is Code.CONFLICT
    assert caught.value.key == "model.width"


@pytest.mark.parametrize(("width", "depth"), [(0, 1), (-4, 1), (8, 0), ([8, 0], None), ([], None)])
def test_an_impossible_width_or_depth_is_refused(width: int | list[int], depth: int | None) -> None:
    with pytest.raises(UserError, match=r"model.(width|depth)="):
        layer_widths(width, depth, default_depth=2)


@pytest.mark.parametrize("value", [0, 1.5, True])
def test_at_least_takes_integers_only(value: int) -> None:
    with Refusal(Code.OUT_OF_RANGE, "model.heads"):
        at_least("heads", value)


@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
def test_an_impossible_dropout_is_refused(value: float) -> None:
    with pytest.raises(UserError) as caught:
        dropout_rate(value)
    assert caught.value.code is Code.OUT_OF_RANGE
    assert caught.value.key == "model.dropout"


def test_an_unknown_activation_is_refused_with_the_nearest_name() -> None:
    with Refusal(Code.UNKNOWN_NAME, "model.activation", "rellu"):
        make_activation("rellu")


def test_activations_are_torchs() -> None:
    assert isinstance(make_activation("gelu"), nn.GELU)


def test_samples_of_another_shape_are_refused() -> None:
    with Refusal(Code.INCOMPATIBLE, match=r"shape \(channels, height, width\).*shape \(64,\)"):
        dimensions([64], ["channels", "height", "width"])
