"""Precisions, compilation and devices: what works here is used, the rest is reported."""

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

import runs
from quintet.artifacts import checkpoints
from quintet.base import devices
from quintet.base.errors import Code
from quintet.training import build
from quintet.training.factories import optimizer_factory
from refusals import Refusal
from runs import RunTrain, TrainHere

TRAINERS = sorted(path.stem for path in (runs.ROOT / "configs" / "trainer").glob("*.yaml"))


def composed(folder: Path, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(runs.ROOT / "configs"), version_base="1.3"):
        return compose("train", [f"paths.run={folder}", f"paths.root={folder}", *overrides])


@pytest.mark.parametrize("name", TRAINERS)
def test_every_trainer_is_built_or_says_which_device_is_missing(name: str, tmp_path: Path) -> None:
    cfg = composed(tmp_path, f"trainer={name}")
    build.check(cfg)
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if present.get(cfg.trainer.accelerator, True):
        assert build.trainer(cfg).max_epochs == cfg.trainer.max_epochs
    else:
        with Refusal(Code.UNAVAILABLE, match=f"accelerator={cfg.trainer.accelerator}") as refused:
            build.trainer(cfg)
        assert "trainer=auto" in refused.value.hint


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_gpu_where_there_is_none_is_one_message(tmp_path: Path, run_train: RunTrain) -> None:
    done = run_train(tmp_path / "run", "trainer=gpu", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The trainer (accelerator=cuda, devices=1) does not suit")
    assert done.stderr.count("\n") == 1
    assert runs.record(tmp_path / "run")["status"] == "failed"


@pytest.mark.parametrize(
    ("precision", "clip", "fused"),
    [("16-mixed", 1.0, False), ("bf16-mixed", 1.0, False), ("16-mixed", None, True)],
)
def test_fused_optimizer_gives_way_where_mixed_precision_is_clipped(
    precision: str, clip: float | None, fused: bool, tmp_path: Path
) -> None:
    clipping = f"trainer.gradient_clip_val={'null' if clip is None else clip}"
    cfg = composed(tmp_path, f"trainer.precision={precision}", clipping, "scheduler=constant")
    cfg.facts.steps_per_epoch, cfg.facts.total_steps = 5, 10
    cfg.facts.steps_per_epoch, cfg.facts.total_steps = 5, 10
    optimizer = optimizer_factory(cfg)(torch.nn.Linear(2, 2))
    assert optimizer.defaults["fused"] is fused


def test_bf16_trains_with_clipping_and_accumulation(tmp_path: Path, train_here: TrainHere) -> None:
    mixed = ("trainer.precision=bf16-mixed", "trainer.gradient_clip_val=1.0")
    more = ("trainer.accumulate_grad_batches=2", "trainer.max_epochs=5", "optimizer.lr=0.01")
    train_here(tmp_path / "run", "model.width=64", *mixed, *more)
    found = runs.record(tmp_path / "run")
    assert found["facts"]["total_steps"] == 5 * 10
    assert found["test"]["accuracy"] > 0.8


@pytest.mark.soak
def test_compiled_model_shares_its_checkpoints_with_a_plain_one(
    tmp_path: Path, run_train: RunTrain
) -> None:
    folder = tmp_path / "run"
    run_train(folder, "compile=true", "trainer.max_epochs=2")
    best = checkpoints.best(folder)
    assert best is not None
    assert not [key for key in checkpoints.load(best)["state_dict"] if "_orig_mod" in key]
    compiled = runs.record(folder)["test"]
    run_train(None, f"resume={folder}", "compile=false")
    assert runs.record(folder)["test"] == pytest.approx(compiled, abs=1e-5)
    run_train(None, f"resume={folder}", "compile=true", "trainer.max_epochs=3")
    assert runs.epochs(folder) == 3


def test_the_memory_in_use_is_that_of_everybody_on_the_device(monkeypatch):
    assert devices.memory(torch.device("cpu")) == ""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (73_900_000_000, 80_100_000_000))
    assert devices.memory(torch.device("cuda")) == "6.2/80 GB"
