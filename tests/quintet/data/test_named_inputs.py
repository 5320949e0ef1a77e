"""Samples with several inputs, which a model gets by name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from torch import Tensor, nn

import outside
import runs
from quintet.base.errors import Code, UserError
from quintet.base.paths import CONFIGS
from quintet.commands.evaluation import evaluate
from quintet.commands.export import export
from quintet.commands.prediction import predict
from quintet.data.named_inputs import by_name, rows_of, split_row
from quintet.data.samples import NamedInput
from quintet.data.scaling.named_preprocess import NamedPreprocess, restored
from quintet.data.scaling.preprocess import Preprocess
from quintet.data.sources.arrays import arrays
from quintet.data.sources.reader import read_new
from refusals import Refusal
from runs import Once

NAMES = ["image", "ids", "mask", "table"]


def several(count: int = 90, seed: int = 0) -> dict[str, Any]:
    """Return samples whose class shows in the table, the words and the picture."""
    draw = np.random.default_rng(seed)
    y = np.arange(count) % 3
    image = draw.integers(0, 90, (count, 5, 5, 3)).astype("uint8") + (60 * y)[:, None, None, None]
    lengths = draw.integers(1, 7, count)
    mask = np.arange(6) < lengths[:, None]
    return {
        "image": image.astype("uint8"),
        "ids": np.where(mask, draw.integers(2, 20, (count, 6)) + 10 * y[:, None], 0),
        "mask": mask,
        "table": draw.normal(1000, 50, (count, 2)) + 30 * y[:, None],
        "y": np.array(["a", "b", "c"])[y],
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    np.savez(tmp_path / "several.npz", **several())
    return tmp_path / "several.npz"


def test_a_row_holds_each_input_and_gives_it_back() -> None:
    parts = {"image": torch.rand(2, 3, 4, 4), "ids": torch.tensor([[1, 2**24 - 1], [0, 3]])}
    inputs = {"image": NamedInput("image", [3, 4, 4]), "ids": NamedInput("tokens", [2], 2**24)}
    rows = rows_of(parts)
    assert rows.shape == (2, 50)
    found = split_row(rows, inputs)
    assert all(torch.equal(found[name], part) for name, part in parts.items())
    assert found["ids"].dtype == torch.int64


def test_kinds_are_inferred_and_said(file: Path) -> None:
    samples = arrays(str(file), x=NAMES)
    kinds = {name: each.kind for name, each in samples.inputs.items()}
    assert kinds == {"image": "image", "ids": "tokens", "mask": "tokens", "table": "table"}
    assert samples.inputs["image"].shape == [3, 5, 5]
    assert samples.inputs["ids"].vocabulary == int(several()["ids"].max()) + 1
    assert "image image [3, 5, 5]" in samples.data_summary[0]
    kinds = {"ids": "table"}
    assert arrays(str(file), x=NAMES, kind=kinds).inputs["ids"].kind == "table"


@pytest.mark.parametrize("kind", ["table", {"words": "tokens"}])
def test_a_kind_that_names_no_input_is_refused(file: Path, kind: Any) -> None:
    with pytest.raises(UserError) as error:
        arrays(str(file), x=NAMES, kind=kind)
    assert (error.value.code, error.value.key) == (Code.INCOMPATIBLE, "data.kind")


def test_each_input_is_scaled_as_what_it_is(file: Path) -> None:
    samples = arrays(str(file), x=NAMES)
    scaling = NamedPreprocess(samples.inputs, "standard").fit(samples.x, samples.y, samples)
    found = split_row(scaling.transform(samples.x), samples.inputs)
    assert found["table"].mean(0).abs().max() < 1e-4
    assert found["image"].mean((0, 2, 3)).abs().max() < 1e-4
    assert torch.equal(found["ids"], torch.from_numpy(several()["ids"]))
    assert torch.allclose(scaling.restore(scaling.transform(samples.x)), samples.x, atol=1e-3)
    again = restored(scaling.state_dict(), Preprocess())
    assert torch.equal(again.transform(samples.x), scaling.transform(samples.x))


class Picture(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return image


class Everything(nn.Module):
    def forward(self, **inputs: Tensor) -> list[str]:
        return list(inputs)


@pytest.mark.parametrize(
    ("model", "named"), [(Picture(), True), (Everything(), True), (nn.Flatten(), False)]
)
def test_a_model_gets_the_inputs_that_it_names(model: nn.Module, named: bool) -> None:
    inputs = {"image": NamedInput("image", [1, 2, 2]), "table": NamedInput("table", [3])}
    assert by_name(model, inputs) == named
    found = model(torch.zeros(5, 7))
    if isinstance(model, Everything):
        assert found == ["image", "table"]
    else:
        assert found.shape == ((5, 1, 2, 2) if named else (5, 7))


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"mask": None}, Refusal(Code.UNKNOWN_NAME, match="no array 'mask'")),
        ({"table": np.zeros((2, 2))}, Refusal(Code.DATA, match="different numbers of samples")),
    ],
)
def test_new_inputs_have_to_fit(file: Path, tmp_path: Path, changed: Any, refusal: Refusal) -> None:
    reader = arrays(str(file), x=NAMES).reader
    new = several(4) | changed
    np.savez(tmp_path / "new.npz", **{name: new[name] for name in NAMES if new[name] is not None})
    with refusal:
        read_new(tmp_path / "new.npz", reader)


@pytest.fixture
def run(once: Once) -> Path:
    """A run of a model of several inputs."""

    def make(folder: Path) -> None:
        np.savez(folder / "several.npz", **several())
        words = (f"data.path={folder / 'several.npz'}", "data.x=[image,ids,mask,table]")
        more = ("trainer=cpu", "trainer.max_epochs=20", "optimizer.lr=0.01", "report=false")
        place = (f"hydra.run.dir={folder / 'run'}", f"paths.logs={folder}")
        runs.train(None, "data=arrays", *words, "model=fusion", *more, *place, *outside.WORDS)

    return once("several_inputs", make) / "run"


def command(name: str, run: Path, **settings: object) -> Any:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose(name, [f"paths.run={run}", "trainer=cpu"] * (name == "evaluate"))
    cfg.run, cfg.trust = str(run), ["outside"]
    for key, value in settings.items():
        cfg[key] = value
    return cfg


def test_it_learns_and_is_evaluated_to_the_last_digit(run: Path) -> None:
    record = runs.record(run)
    assert record["metric"]["value"] > 0.8
    assert {*record["baselines"]} >= {"linear", "dummy"}
    scores = evaluate(command("evaluate", run))
    assert scores == {"val": record["validation"], "test": record["test"]}


def test_it_predicts_new_samples(run: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "new.npz", **{k: v for k, v in several(6, 1).items() if k != "y"})
    output = tmp_path / "out.csv"
    predict(command("predict", run, input=str(tmp_path / "new.npz"), output=str(output)))
    assert len(output.read_text().splitlines()) == 7


def test_it_is_exported_with_the_inputs_of_a_row(run: Path, tmp_path: Path) -> None:
    place = export(command("export", run, output=str(tmp_path / "out"), formats=["torch"]))
    assert (place / "model.pt2").is_file()
    inputs = json.loads((place / "preprocessing.json").read_text())["inputs"]
    assert list(inputs) == NAMES
