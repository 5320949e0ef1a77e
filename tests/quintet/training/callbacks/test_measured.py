"""Epochs that end without validation: metrics of earlier weights are not used for them."""

from pathlib import Path
from typing import Any

import pytest
import torch

import runs
from quintet.artifacts import checkpoints
from quintet.base.errors import Code
from quintet.diagnostics import training_curves
from quintet.ensembles.reload import trained
from quintet.training.callbacks.early_stopping import EarlyStopping
from refusals import Refusal
from runs import TrainHere

DATA = ("data=breast_cancer", "optimizer.lr=0.01")
"""Seven steps an epoch."""
EVERY_OTHER = ("trainer.check_val_every_n_epoch=null", "trainer.val_check_interval=14")


def validated(folder: Path) -> list[int]:
    rows = training_curves.read(folder / "metrics.csv")
    assert all(("val/loss" in row) == ("val/accuracy" in row) for row in rows)
    return [int(row["step"]) for row in rows if "val/loss" in row]


def saved(folder: Path, name: str) -> dict[str, Any]:
    return checkpoints.load(folder / "checkpoints" / f"{name}.ckpt")


@pytest.mark.parametrize(
    ("overrides", "seen", "steps"),
    [
        (["trainer.max_steps=10"], [7], 10),
        (["trainer.max_steps=20", *EVERY_OTHER], [14], 20),
        (["trainer.max_epochs=5", "trainer.check_val_every_n_epoch=2"], [14, 28], 35),
    ],
)
def test_an_epoch_without_validation_is_the_last_but_never_the_best(
    tmp_path: Path, train_here: TrainHere, overrides: list[str], seen: list[int], steps: int
) -> None:
    train_here(tmp_path, *DATA, *overrides)
    assert validated(tmp_path) == seen
    assert saved(tmp_path, "last")["global_step"] == steps
    best = tmp_path / "checkpoints" / "best.ckpt"
    assert best.exists() == bool(seen)
    assert not seen or checkpoints.load(best)["global_step"] in seen


def test_the_last_checkpoint_is_of_the_last_epoch_though_no_better(
    tmp_path: Path, train_here: TrainHere
) -> None:
    """The learning rate lets the first epoch be the best."""
    spoil = ("optimizer=sgd", "optimizer.lr=0.5", "scheduler=exponential", "scheduler.gamma=100")
    train_here(tmp_path, "trainer.max_epochs=3", *spoil, "trainer.gradient_clip_val=1.0")
    assert saved(tmp_path, "best")["epoch"] < 2
    assert saved(tmp_path, "last")["epoch"] == 2


@pytest.mark.parametrize("scheduler", ["one_cycle", "plateau"])
def test_early_stopping_counts_validated_epochs_alone(
    tmp_path: Path, train_here: TrainHere, scheduler: str
) -> None:
    still = ("optimizer=sgd", "optimizer.lr=1e-30", f"scheduler={scheduler}")
    rare = ("trainer.max_epochs=20", "trainer.check_val_every_n_epoch=3")
    train_here(tmp_path, *still, *rare, "callbacks.early_stopping.patience=2")
    assert runs.record(tmp_path)["epochs"] == 9


def test_a_metric_that_is_not_finite_ends_training_and_says_so() -> None:
    stopping = EarlyStopping("val/score")
    assert stopping.remark() is None
    ended, _ = stopping._evaluate_stopping_criteria(torch.tensor(float("nan")))
    assert ended
    assert "val/score was not finite after epoch 1" in str(stopping.remark())


def test_a_run_that_ends_before_its_first_validation_is_whole(
    tmp_path: Path, train_here: TrainHere
) -> None:
    train_here(tmp_path, *DATA, "trainer.max_steps=3")
    found = runs.record(tmp_path)
    assert found["status"] == "completed"
    assert found["checkpoint"] == "checkpoints/last.ckpt"
    assert 0 < found["metric"]["value"] < 1
    assert trained(tmp_path).cfg.trainer.max_steps == 3


def test_a_name_that_is_never_logged_is_still_an_error(
    tmp_path: Path, train_here: TrainHere
) -> None:
    with Refusal(Code.FAILED, match="val/nonsense"):
        train_here(tmp_path, *DATA, "callbacks.early_stopping.monitor=val/nonsense")
