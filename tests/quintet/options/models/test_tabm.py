"""TabM: each member is a plain network with rank-1 adapters, and each has a loss of its own."""

import pytest
import torch
from torch import Tensor, nn

from quintet.base.errors import Code
from quintet.options.models.tabm import PackedLinear, TabM
from quintet.problems import Task
from refusals import Refusal


def shaken(task: Task = "multiclass", outputs: int = 3, **options: object) -> TabM:
    """Return a model all of whose parameters differ from their first values."""
    torch.manual_seed(0)
    model = TabM([4], outputs, task, [3], count=5, width=[7, 6], dropout=0.0, **options)  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model.eval()


def rows(count: int = 6) -> Tensor:
    x = torch.randn(count, 4, generator=torch.Generator().manual_seed(1))
    x[:, 3] = torch.arange(count) % 3
    return x


@pytest.mark.parametrize("member", range(5))
def test_each_member_is_a_plain_network_whose_matrices_have_rank_1_adapters(member: int) -> None:
    """Equation 1 of the paper: W_i = W * (s_i r_i^T), an MLP of its own for each member i."""
    model, x = shaken(), rows()
    features = model.inputs(x)
    factors = model.factors[member].repeat_interleave(torch.tensor(model.inputs.widths))
    h = features * factors
    for layer in model.hidden:
        if isinstance(layer, PackedLinear):
            adapter = torch.outer(layer.output_scale[member], layer.input_scale[member])
            h = nn.functional.linear(h, layer.shared.weight * adapter, layer.bias[member]).relu()
    weight, bias = (
        each.unflatten(0, (5, 3))[member] for each in (model.head.weight, model.head.bias)
    )
    own = nn.functional.linear(h, weight, bias)
    torch.testing.assert_close(model.members(x)[:, member], own)


def test_members_begin_alike_but_for_the_first_factors_and_the_heads() -> None:
    model = TabM([4], 2, "multiclass", count=3)
    with torch.no_grad():
        model.factors.copy_(model.factors[:1].expand(3, -1))
    model.eval()
    hidden = model.hidden(model.inputs(rows())[:, None] * model.factors[:, [0] * 16])
    torch.testing.assert_close(hidden[:, 0], hidden[:, 2])
    assert not torch.equal(model.members(rows())[:, 0], model.members(rows())[:, 2])


def test_matrices_are_shared_so_a_member_costs_little() -> None:
    one, many = (
        sum(p.numel() for p in TabM([20], 1, "regression", count=c, width=256).parameters())
        for c in (1, 16)
    )
    assert many < 1.5 * one


@pytest.mark.parametrize(
    ("task", "outputs"), [("multiclass", 3), ("binary", 2), ("binary", 1), ("multilabel", 3)]
)
def test_what_is_averaged_are_probabilities(task: Task, outputs: int) -> None:
    model = shaken(task, outputs)
    each = model.members(rows())
    chance = torch.sigmoid if outputs == 1 or task == "multilabel" else nn.Softmax(dim=-1)
    torch.testing.assert_close(chance(model(rows())), chance(each).mean(1))


def test_values_are_averaged_as_they_are() -> None:
    model = shaken("regression", 2)
    torch.testing.assert_close(model(rows()), model.members(rows()).mean(1))


def test_no_count_of_members_is_refused() -> None:
    with Refusal(Code.OUT_OF_RANGE, "model.count", 0):
        TabM([4], 2, "binary", count=0)
