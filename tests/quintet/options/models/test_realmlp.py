"""RealMLP: embeddings of numbers and categories, clipping, and what is refused."""

from math import cos, pi

import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.options.models.realmlp import ParametricActivation, RealMLP
from quintet.options.models.table_inputs import NumericEmbedding, OneHot


def test_a_number_is_embedded_as_in_the_paper() -> None:
    """PBLD: [x, W cos(2 pi w x + b) + c], here for one number and one frequency."""
    embed = NumericEmbedding(columns=1, frequencies=1, scale=0.1, outputs=1)
    assert embed.frequency is not None
    with torch.no_grad():
        embed.frequency.fill_(0.5)
        embed.phase.fill_(0.3)
        embed.weight.fill_(2.0)
        embed.bias.fill_(0.1)
    found = embed(torch.tensor([[0.4]])).flatten().tolist()
    clipped = 0.4 / (1 + (0.4 / 3) ** 2) ** 0.5
    assert found == pytest.approx([clipped, 2 * cos(2 * pi * 0.5 * clipped + 0.3) + 0.1])


def test_outliers_are_clipped_smoothly_and_in_order() -> None:
    embed = NumericEmbedding(columns=1, frequencies=0, scale=0.1)
    x = torch.tensor([[0.01], [1.0], [100.0], [1e6], [-1e6]])
    clipped = embed(x).flatten()
    assert clipped[0] == pytest.approx(0.01, rel=1e-4)
    assert (clipped[:4].diff() > 0).all()
    assert clipped.abs().max() <= 3


def test_each_column_has_frequencies_of_its_own() -> None:
    embed = NumericEmbedding(columns=2, frequencies=4, scale=1.0, outputs=3)
    x = torch.tensor([[0.2, 0.2]])
    first, second = embed(x).unflatten(1, (2, 4)).unbind(1)
    assert first.shape == second.shape == (1, 4)
    assert not torch.equal(first, second)


def test_categories_with_few_codes_are_one_hot_and_others_are_embedded() -> None:
    model = RealMLP([3], 2, cardinalities=[8, 9], embedding=5)
    assert [type(each) for each in model.inputs.categories] == [OneHot, torch.nn.Embedding]
    assert [each.embedding_dim for each in model.inputs.categories] == [8, 5]


def test_a_share_of_zero_is_the_identity_and_of_one_the_activation() -> None:
    layer, x = ParametricActivation(3, "relu"), torch.tensor([[-1.0, 2.0, -3.0]])
    assert torch.equal(layer(x), x.relu())
    with torch.no_grad():
        layer.share.zero_()
    assert torch.equal(layer(x), x)


@pytest.mark.parametrize(
    ("argument", "value"), [("frequencies", -1), ("frequency_scale", 0.0), ("embedding", 0)]
)
def test_impossible_arguments_are_refused(argument: str, value: float) -> None:
    with pytest.raises(UserError) as caught:
        RealMLP([2], 2, cardinalities=[20], **{argument: value})  # type: ignore[arg-type]
    assert caught.value.code is Code.OUT_OF_RANGE
    assert caught.value.key == f"model.{argument}"


@pytest.mark.parametrize(("columns", "codes"), [(3, []), (2, [3, 40])])
def test_tables_of_one_kind_of_column_work(columns: int, codes: list[int]) -> None:
    model = RealMLP([columns], 2, cardinalities=codes)
    assert model(torch.ones(5, columns)).shape == (5, 2)
