"""What every model must do, on every kind of input that it fits."""

from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from quintet.base.paths import options
from quintet.config.instantiate import instantiate
from quintet.problems import PROBLEMS
from quintet.testing.compose import read

OUTPUTS = 3
FACTS: dict[str, dict[str, Any]] = {
    "table": {"input_shape": [5], "cardinalities": [3, 4], "vocabulary": 0},
    "image": {"input_shape": [1, 8, 8], "cardinalities": [], "vocabulary": 0},
    "sequence": {"input_shape": [6, 2], "cardinalities": [], "vocabulary": 0},
    "tokens": {"input_shape": [6], "cardinalities": [], "vocabulary": 9},
    **{
        name: {**problem.example_input, "cardinalities": []}
        for name, problem in PROBLEMS.items()
        if problem.example_input is not None
    },
}
"""By what a model lists under `fits`: kinds of inputs, or problems whose outputs have a shape."""


def cases() -> list[Any]:
    return [
        pytest.param(path, kind, id=f"{path.stem}-{kind}")
        for path in options("model").values()
        for kind in read("model", path.stem).get("fits", [*FACTS])
    ]


def built(path: Path, kind: str, seed: int = 0) -> Any:
    facts = {"task": "multiclass", **FACTS[kind]}
    root = OmegaConf.create(
        {"facts": facts, "loss": {"num_outputs": OUTPUTS}, "model": OmegaConf.load(path)}
    )
    torch.manual_seed(seed)
    model = instantiate(root.model, "model")
    assert isinstance(model, nn.Module)
    return model


def batch(kind: str, size: int = 4) -> Tensor:
    shape = (size, *FACTS[kind]["input_shape"])
    generator = torch.Generator().manual_seed(0)
    if vocabulary := FACTS[kind]["vocabulary"]:
        return torch.randint(1, vocabulary, shape, generator=generator)
    x = torch.randn(shape, generator=generator)
    if kind == "table":
        x[:, 3] = torch.arange(size) % 3
        x[:, 4] = torch.arange(size) % 4
    return x


@pytest.mark.parametrize(("path", "kind"), cases())
class TestEveryModel:
    def test_gives_one_row_of_outputs_a_sample(self, path: Path, kind: str) -> None:
        shape, problem = FACTS[kind]["input_shape"], PROBLEMS.get(kind)
        expected = problem.output_shape(shape, OUTPUTS) if problem else [OUTPUTS]
        assert built(path, kind)(batch(kind)).shape == (4, *expected)

    def test_gives_every_parameter_a_gradient(self, path: Path, kind: str) -> None:
        model = built(path, kind)
        model(batch(kind)).square().sum().backward()
        assert [name for name, each in model.named_parameters() if each.grad is None] == []

    def test_is_the_same_under_the_same_seed(self, path: Path, kind: str) -> None:
        first, second = (built(path, kind, seed=7).eval() for _ in range(2))
        other = built(path, kind, seed=8)
        assert torch.equal(first(batch(kind)), second(batch(kind)))
        pairs = zip(first.parameters(), other.parameters(), strict=True)
        assert not all(torch.equal(a, b) for a, b in pairs)

    def test_loads_its_saved_weights(self, path: Path, kind: str, tmp_path: Path) -> None:
        saved, loaded = built(path, kind, seed=1), built(path, kind, seed=2)
        torch.save(saved.state_dict(), tmp_path / "weights.pt")
        loaded.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
        assert torch.equal(saved.eval()(batch(kind)), loaded.eval()(batch(kind)))

    def test_treats_each_sample_of_a_batch_alone(self, path: Path, kind: str) -> None:
        model, x = built(path, kind).eval(), batch(kind)
        torch.testing.assert_close(model(x)[:1], model(x[:1]))

    def test_evaluates_alike_with_and_without_gradients(self, path: Path, kind: str) -> None:
        model, x = built(path, kind).eval(), batch(kind)
        with torch.no_grad():
            fast = model(x)
        torch.testing.assert_close(fast, model(x))
