"""What every option of configs/model must do, on every kind of input that it fits."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn

OPTIONS = Path(__file__).parents[2] / "configs" / "model"
OUTPUTS = 3
FACTS: dict[str, dict[str, Any]] = {
    "table": {"input_shape": [5], "cardinalities": [3, 4], "vocabulary": 0},
    "image": {"input_shape": [1, 8, 8], "cardinalities": [], "vocabulary": 0},
    "sequence": {"input_shape": [6, 2], "cardinalities": [], "vocabulary": 0},
    "tokens": {"input_shape": [6], "cardinalities": [], "vocabulary": 9},
}


def cases() -> list[Any]:
    return [
        pytest.param(path, kind, id=f"{path.stem}-{kind}")
        for path in sorted(OPTIONS.glob("*.yaml"))
        for kind in OmegaConf.load(path)["fits"]
    ]


def build(path: Path, kind: str, seed: int = 0) -> nn.Module:
    root = OmegaConf.create(
        {"facts": FACTS[kind], "loss": {"num_outputs": OUTPUTS}, "model": OmegaConf.load(path)}
    )
    del root.model.fits
    torch.manual_seed(seed)
    model = instantiate(root.model)
    assert isinstance(model, nn.Module)
    return model


def batch(kind: str, size: int = 4) -> Tensor:
    shape = (size, *FACTS[kind]["input_shape"])
    generator = torch.Generator().manual_seed(0)
    if kind == "tokens":
        return torch.randint(1, FACTS[kind]["vocabulary"], shape, generator=generator)
    x = torch.randn(shape, generator=generator)
    if kind == "table":
        x[:, 3] = torch.arange(size) % 3
        x[:, 4] = torch.arange(size) % 4
    return x


@pytest.mark.parametrize(("path", "kind"), cases())
class TestEveryModel:
    def test_gives_one_row_of_outputs_a_sample(self, path: Path, kind: str) -> None:
        assert build(path, kind)(batch(kind)).shape == (4, OUTPUTS)

    def test_ends_in_a_linear_head(self, path: Path, kind: str) -> None:
        model = build(path, kind)
        assert isinstance(model.head, nn.Linear)
        model.head.weight.data.zero_()
        model.head.bias.data.fill_(0.5)
        assert torch.equal(model(batch(kind)), torch.full((4, OUTPUTS), 0.5))

    def test_gives_every_parameter_a_gradient(self, path: Path, kind: str) -> None:
        model = build(path, kind)
        model(batch(kind)).square().sum().backward()
        assert [name for name, each in model.named_parameters() if each.grad is None] == []

    def test_is_the_same_under_the_same_seed(self, path: Path, kind: str) -> None:
        first, second = (build(path, kind, seed=7).eval() for _ in range(2))
        other = build(path, kind, seed=8)
        assert torch.equal(first(batch(kind)), second(batch(kind)))
        assert not torch.equal(first.head.weight, other.head.weight)

    def test_loads_its_saved_weights(self, path: Path, kind: str, tmp_path: Path) -> None:
        saved, loaded = build(path, kind, seed=1), build(path, kind, seed=2)
        torch.save(saved.state_dict(), tmp_path / "weights.pt")
        loaded.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
        assert torch.equal(saved.eval()(batch(kind)), loaded.eval()(batch(kind)))

    def test_looks_at_every_number_of_its_input(self, path: Path, kind: str) -> None:
        model, x = build(path, kind).eval(), batch(kind)[:1]
        before = model(x)
        for index in torch.cartesian_prod(*map(torch.arange, x.shape[1:])).view(-1, x.dim() - 1):
            changed = x.clone()
            changed[(0, *index.tolist())] += 1 if changed[(0, *index.tolist())] < 1 else -1
            assert not torch.equal(model(changed), before), index.tolist()

    def test_treats_each_sample_of_a_batch_alone(self, path: Path, kind: str) -> None:
        model, x = build(path, kind).eval(), batch(kind)
        torch.testing.assert_close(model(x)[:1], model(x[:1]))

    def test_evaluates_alike_with_and_without_gradients(self, path: Path, kind: str) -> None:
        model, x = build(path, kind).eval(), batch(kind)
        with torch.no_grad():
            fast = model(x)
        torch.testing.assert_close(fast, model(x))

    def test_exports_with_a_batch_of_any_size(self, path: Path, kind: str) -> None:
        model = build(path, kind).eval()
        rows = torch.export.Dim("rows", min=1)
        exported = torch.export.export(model, (batch(kind),), dynamic_shapes=({0: rows},))
        x = batch(kind, size=7)
        torch.testing.assert_close(exported.module()(x), model(x))
