"""A run's length in steps, and settings that would leave nothing to train or validate on."""

import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import runs
from quintet.base.errors import Code
from quintet.training.training_steps import repeats, stacked
from refusals import Refusal
from runs import TrainHere

SEVEN = ("data=breast_cancer",)
"""Steps an epoch."""


def test_the_models_of_a_run_from_before_stacking_train_one_after_another() -> None:
    config = OmegaConf.create({"cv": {"folds": 3, "seeds": 1}, "data": {}})
    assert (stacked(config), repeats(config)) == (1, 3)


@pytest.mark.parametrize(
    ("overrides", "steps", "epochs"),
    [
        (["trainer.max_epochs=null", "trainer.max_steps=20"], 20, 3),
        (["trainer.max_epochs=-1", "trainer.max_steps=14"], 14, 2),
        (["trainer.max_epochs=1", "trainer.max_steps=20"], 7, 1),
        (["trainer.max_epochs=2", "trainer.accumulate_grad_batches=2"], 8, 2),
        (["trainer.max_epochs=2", "trainer.limit_train_batches=0.5"], 6, 2),
    ],
)
def test_the_length_that_is_planned_is_the_length_that_is_trained(
    tmp_path: Path,
    train_here: TrainHere,
    capsys: pytest.CaptureFixture[str],
    overrides: list[str],
    steps: int,
    epochs: int,
) -> None:
    train_here(tmp_path, *SEVEN, *overrides)
    assert runs.record(tmp_path)["facts"]["total_steps"] == steps
    last = (tmp_path / "metrics.csv").read_text().splitlines()[-1]
    assert last.startswith(f"{epochs - 1},{steps},")
    assert f"epoch {epochs}/{epochs} " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("overrides", "refusal"),
    [
        (["trainer.max_epochs=null"], Refusal(Code.MISSING_VALUE, "trainer.max_epochs", "null")),
        (["trainer.max_epochs=-1"], Refusal(Code.MISSING_VALUE, "trainer.max_epochs", -1)),
        (
            ["trainer.accumulate_grad_batches=0"],
            Refusal(Code.OUT_OF_RANGE, "trainer.accumulate_grad_batches", 0),
        ),
        (
            ["trainer.limit_train_batches=0"],
            Refusal(Code.OUT_OF_RANGE, "trainer.limit_train_batches", 0),
        ),
        (
            ["trainer.limit_train_batches=0.14"],
            Refusal(Code.OUT_OF_RANGE, "trainer.limit_train_batches", 0.14),
        ),
        (
            ["trainer.overfit_batches=0.01"],
            Refusal(Code.OUT_OF_RANGE, "trainer.overfit_batches", 0.01),
        ),
        (
            ["trainer.limit_val_batches=0"],
            Refusal(Code.OUT_OF_RANGE, "trainer.limit_val_batches", 0),
        ),
        (
            ["trainer.val_check_interval=0.5"],
            Refusal(Code.OUT_OF_RANGE, "trainer.val_check_interval", 0.5, allowed=("1", "7")),
        ),
    ],
)
def test_a_run_that_cannot_work_is_refused(
    tmp_path: Path, train_here: TrainHere, overrides: list[str], refusal: Refusal
) -> None:
    with refusal:
        train_here(tmp_path, *SEVEN, *overrides)
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize(
    ("batches", "said"),
    [
        (3, "7 batches, so the last step of each sums 1 of them, .* 1/3 .*batches=1,"),
        (20, "7 batches, so the only step of each sums 7 of them, .* 7/20 .*batches=7,"),
        (7, None),
    ],
)
def test_a_step_of_fewer_batches_is_reported(
    tmp_path: Path,
    train_here: TrainHere,
    capsys: pytest.CaptureFixture[str],
    batches: int,
    said: str | None,
) -> None:
    train_here(
        tmp_path, *SEVEN, f"trainer.accumulate_grad_batches={batches}", "trainer.max_epochs=1"
    )
    anomalies = " ".join(runs.record(tmp_path)["anomalies"])
    assert re.search(said, anomalies) if said else "accumulate" not in anomalies
    assert ("batches, so the" in capsys.readouterr().out) == bool(said)
