"""muP: the paper's table, an equal model with an output multiplier, and what has no rule."""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from quintet.base.errors import Code
from quintet.options.inits import Init
from quintet.options.models.causal_transformer import CausalTransformer
from quintet.options.models.cnn import CNN
from quintet.options.models.mlp import MLP
from quintet.options.models.tabm import TabM
from quintet.options.models.transformer import Transformer
from quintet.options.models.unet import UNet
from quintet.options.mup import MuP, growths_of
from quintet.options.optimizers import RATE_FACTOR, grouped, set_rate_factors
from quintet.training.optimizer_updates import steer
from refusals import Refusal
from running import SHORT, composed, ran

ADAM, SGD = "torch.optim.Adam", "torch.optim.SGD"
TIMES = 4
"""How many times as wide as their base the models are."""


def mlp(width: int) -> MLP:
    return MLP([64], 10, width=width, depth=2)


def wide(optimizer: str = ADAM, **settings: Any) -> MLP:
    model = mlp(16 * TIMES)
    MuP("relu", optimizer=optimizer, **settings).relative_to(mlp(16))(model)
    return model


def alike(width: int) -> tuple[MLP, MLP]:
    """Return a model by muP and one by He init, of the same random numbers."""
    scaled, usual = mlp(width), mlp(width)
    for model, init in (
        (scaled, MuP("relu", optimizer=ADAM).relative_to(mlp(16))),
        (usual, Init(partial(nn.init.kaiming_normal_, nonlinearity="linear"), "relu")),
    ):
        torch.manual_seed(1)
        init(model)
    return scaled, usual


@pytest.fixture(autouse=True)
def _seed() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def factors(model: nn.Module) -> dict[str, float]:
    return {name: getattr(p, RATE_FACTOR) for name, p in model.named_parameters()}


TABLE_3 = {  # rows: input weights, biases; hidden weights; output weights, output bias
    ADAM: {"hidden.0": (1, 1), "hidden.2": (1 / TIMES, 1), "head": (1 / TIMES, 1)},
    SGD: {"hidden.0": (TIMES, TIMES), "hidden.2": (1, TIMES), "head": (1 / TIMES, 1)},
}


@pytest.mark.parametrize("optimizer", TABLE_3)
def test_rates_are_those_of_table_3(optimizer: str) -> None:
    expected = {}
    for layer, (weight, bias) in TABLE_3[optimizer].items():
        expected |= {f"{layer}.weight": weight, f"{layer}.bias": bias}
    assert factors(wide(optimizer)) == pytest.approx(expected)


def test_only_output_weights_start_smaller_than_with_he_init() -> None:
    scaled, usual = alike(16 * TIMES)
    for name, parameter in scaled.named_parameters():
        by = TIMES**-0.5 if name == "head.weight" else 1.0
        torch.testing.assert_close(parameter, by * usual.get_parameter(name))


def test_at_the_base_width_it_is_he_init() -> None:
    scaled, usual = alike(16)
    for one, other in zip(scaled.parameters(), usual.parameters(), strict=True):
        assert torch.equal(one, other)
    assert {*factors(scaled).values()} == {1.0}
    assert len(grouped(scaled, lr=0.1, weight_decay=0.0)) == 1


@pytest.mark.parametrize("optimizer", TABLE_3)
def test_it_trains_as_the_output_multiplier_of_table_8(optimizer: str) -> None:
    """The same function at every step, by the paper's other table: outputs times 1 / fan-in."""
    model = wide(optimizer, output_gain=1.0)
    other = mlp(16 * TIMES)
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        other.head.weight.mul_(TIMES)
    rates = {  # of the weights of hidden.0, hidden.2 and head; then of their biases
        ADAM: (1, 1 / TIMES, 1, 1, 1, 1),
        SGD: (TIMES, 1, TIMES, TIMES, TIMES, 1),
    }[optimizer]
    layers: list[Any] = [other.hidden[0], other.hidden[2], other.head]
    parameters = [layer.weight for layer in layers] + [layer.bias for layer in layers]
    lr, make = {ADAM: (0.003, torch.optim.Adam), SGD: (0.1, torch.optim.SGD)}[optimizer]
    settings: dict[str, Any] = {"eps": 1e-16} if optimizer == ADAM else {}
    groups = [{"params": [p], "lr": lr * r} for p, r in zip(parameters, rates, strict=True)]

    def outputs(x: Tensor) -> Tensor:
        features = other.hidden(other.flat(x))
        return features @ other.head.weight.T / TIMES + other.head.bias

    mine = trained(model, make(grouped(model, lr=lr, weight_decay=0.0), lr=lr, **settings))
    torch.testing.assert_close(mine, trained(outputs, make(groups, lr=lr, **settings)))


def trained(model: Any, optimizer: torch.optim.Optimizer, steps: int = 5) -> Tensor:
    """Return outputs after some steps on digits."""
    data = load_digits()
    x, y = torch.tensor(data.data, dtype=torch.float32)[:256] / 16, torch.tensor(data.target)[:256]
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    found: Tensor = model(x).detach()
    return found


def test_growing_heads_divide_by_their_size_and_leave_values_alone() -> None:
    def make(width: int) -> Transformer:
        return Transformer([5], 3, vocabulary=7, width=width, depth=1, heads=2, dropout=0.0)

    model, base = make(32), make(8)
    growths = {id(p): growth for p, growth in growths_of(model, base)}
    attention: Any = model.layers[0]
    attention = attention.self_attn
    query, out = growths[id(attention.in_proj_weight)], growths[id(attention.out_proj.weight)]
    before = math.sqrt(attention.head_dim)
    assert before / query.multiplier**2 == pytest.approx(attention.head_dim / math.sqrt(4))
    assert query.multiplier * out.multiplier == pytest.approx(1)
    assert growths[id(attention.in_proj_bias)].multiplier == query.multiplier
    assert growths[id(model.embed.weight)].rate(entrywise=True) == 1
    assert growths[id(model.embed.weight)].rate(entrywise=False) == 4


@pytest.mark.parametrize("make", [CNN, UNet])
def test_convolutions_are_matrices(make: Any) -> None:
    model, base = make([1, 16, 16], 10, width=32), make([1, 16, 16], 10, width=8)
    found = [(p.shape, growth) for p, growth in growths_of(model, base) if p.ndim == 4]
    assert {(g.fan_in, g.fan_out) for _, g in found} >= {(1, 4), (4, 4)}
    inputs = next(growth for shape, growth in found if shape[1] == 1)
    assert (inputs.fan_in, inputs.fan_out) == (1, 4)


def test_a_step_shrinks_weights_as_much_at_every_width() -> None:
    groups = grouped(wide(), lr=0.01, weight_decay=0.1)
    decays = {round(g.get("lr", 0.01) * g["weight_decay"], 9) for g in groups}
    assert decays == {0.001, 0.0}
    assert "lr" not in groups[0], "the rate shown is the one that was chosen"


def test_steered_weight_decay_keeps_the_product() -> None:
    optimizer = torch.optim.AdamW(grouped(wide(), lr=0.01, weight_decay=0.1), lr=0.01)
    assert steer(optimizer, [], "weight_decay", 0.2) is None
    found = {round(g["lr"] * g["weight_decay"], 9) for g in optimizer.param_groups}
    assert found == {0.002, 0.0}


def test_bare_parameters_and_groups_keep_their_factors() -> None:
    model = wide()
    for given in (model.parameters(), [{"params": model.parameters()}], model.named_parameters()):
        groups = grouped(given, lr=0.01, weight_decay=0.0)
        assert [group.get("lr", 0.01) for group in groups] == [0.01, 0.01 / TIMES]


def test_factors_that_a_strategy_lost_are_no_silent_change() -> None:
    model = wide()
    for layer in [*model.modules()]:
        for name, parameter in [*layer.named_parameters(recurse=False)]:
            setattr(layer, name, nn.Parameter(parameter.detach()))
    with Refusal(Code.INCOMPATIBLE, "init"):
        grouped(model, lr=0.01, weight_decay=0.0)
    set_rate_factors(model, [(p, 1.0) for p in model.parameters()])
    assert grouped(model, lr=0.01, weight_decay=0.0)


@pytest.mark.parametrize(
    ("model", "base"),
    [
        (CausalTransformer([8], 11, width=32), CausalTransformer([8], 11, width=16)),
        (TabM([8], 3, "multiclass", width=32), TabM([8], 3, "multiclass", width=16)),
        (MLP([8], 3, width=[32, 32, 32]), MLP([8], 3, width=16)),
    ],
    ids=["tied", "packed", "deeper"],
)
def test_a_model_without_a_rule_is_refused(model: nn.Module, base: nn.Module) -> None:
    with Refusal(Code.INCOMPATIBLE, "init", "mup"):
        list(growths_of(model, base))


@pytest.mark.parametrize("optimizer", ["muon", "lamb", "adafactor"])
def test_an_optimizer_without_a_rule_is_refused(optimizer: str, tmp_path: Path) -> None:
    with Refusal(Code.INCOMPATIBLE, "init", "mup", match="no rule"):
        ran(tmp_path, *SHORT, "data=digits", "init=mup", f"optimizer={optimizer}")


def test_a_model_without_a_width_is_refused(tmp_path: Path) -> None:
    with Refusal(Code.INCOMPATIBLE, "init"):
        ran(tmp_path, *SHORT, "data=digits", "init=mup", "model=linear")


def test_a_base_width_that_the_model_cannot_have_is_named(tmp_path: Path) -> None:
    words = ("data=sunspots", "model=transformer", "init=mup", "init.base_width=30")
    with Refusal(Code.INCOMPATIBLE, "init.base_width", 30):
        ran(tmp_path, *SHORT, *words)


def test_the_init_alone_sets_the_rates_of_a_run(tmp_path: Path) -> None:
    ran(tmp_path, *SHORT, "data=digits", "init=mup", "model.width=64", "init.base_width=16")
    state = torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)
    rates = [group["max_lr"] for group in state["optimizer_states"][0]["param_groups"]]
    assert rates == pytest.approx([0.001, 0.001 / 4])


def test_the_usual_width_is_the_base(tmp_path: Path) -> None:
    for init in ("mup", "he_normal"):
        ran(tmp_path / init, *SHORT, "data=digits", f"init={init}")
    one, other = (
        torch.load(tmp_path / init / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
        for init in ("mup", "he_normal")
    )
    assert all(torch.equal(one[name], other[name]) for name in other)
    assert composed(tmp_path, "init=mup").init.base_width is None
