"""A trained model is reloaded from a folder that may be untrusted."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from quintet.base.errors import Code
from quintet.ensembles.reload import trained
from quintet.testing.running import ran
from refusals import Refusal

Spoil = Callable[[dict[str, Any]], None]


@pytest.fixture
def colours(once: Any) -> Path:
    """Return a run on a table with a number and a category."""

    def make(folder: Path) -> None:
        rows = "\n".join(f"{i % 7},{'rgb'[i % 3]},{'ab'[i % 2]}" for i in range(120))
        (folder / "t.csv").write_text(f"x,colour,kind\n{rows}\n")
        data = ("data=csv", f"data.path={folder}/t.csv", "data.target=kind")
        short = ("trainer=cpu", "trainer.max_epochs=1", "baselines=false", "report=false")
        ran(folder / "run", *data, *short, "callbacks.progress=null")

    folder: Path = once("colours", make) / "run"
    return folder


def unknown_code(state: dict[str, Any]) -> None:
    state["DataModule"]["preprocess"]["seen"] = [torch.tensor([0.0, 10.0**6])]


def negative_code(state: dict[str, Any]) -> None:
    state["DataModule"]["preprocess"]["seen"] = [torch.tensor([-1.0, 1.0])]


def other_columns(state: dict[str, Any]) -> None:
    state["DataModule"]["preprocess"]["width"] = torch.ones(3)


def other_reader(state: dict[str, Any]) -> None:
    state["DataModule"]["reader"] = [1]


@pytest.mark.parametrize("spoil", [unknown_code, negative_code, other_columns, other_reader])
def test_a_preprocessing_of_another_model_is_refused_by_name(
    spoil: Spoil, colours: Path, tmp_path: Path
) -> None:
    trained(colours)
    run = tmp_path / "run"
    shutil.copytree(colours, run)
    path = run / "checkpoints/best.ckpt"
    state = torch.load(path, weights_only=True)
    spoil(state)
    torch.save(state, path)
    with Refusal(Code.DAMAGED, match=r"best\.ckpt"):
        trained(run)
