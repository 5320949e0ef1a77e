"""Trials that differ in numbers only train together; the others run as they would."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import runs
from quintet.base import paths
from quintet.sweep import stacking

ROOT = Path(__file__).parents[3]
SWEEP = ("trainer=cpu", "trainer.max_epochs=2", "model.width=8", "report=false", "test=false")


def config(*overrides):
    with initialize_config_dir(str(paths.CONFIGS), version_base="1.3"):
        return compose("train", [*overrides])


def sweep(folder, *overrides):
    command = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={folder}"]
    done = subprocess.run(
        [*command, *SWEEP, *overrides],
        capture_output=True,
        text=True,
        env=runs.environment(),
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with (folder / "leaderboard.csv").open() as file:
        return done.stdout, list(csv.DictReader(file))


def mates(folder):
    """Return the trials whose log points to another's."""
    logs = folder.glob("trials/*/output.log")
    return {int(log.parent.name) for log in logs if "Trained together" in log.read_text()}


def test_stacks_form_by_themselves(tmp_path):
    overrides = ("optimizer=adam,sgd", "optimizer.lr=1e-3,1e-2", "model.activation=relu,tanh")
    told, rows = sweep(tmp_path / "sweep", *overrides, "sweeper.stack=auto")
    assert "not stacked" not in told
    assert {row["state"] for row in rows} == {"completed"}
    assert sorted(int(row["trial"]) for row in rows) == list(range(8))
    # Two activations, two structures of a model: two stacks of four.
    assert len(mates(tmp_path / "sweep")) == 6


def test_a_paused_trial_of_a_stack_goes_on_alone(tmp_path):
    more = ("sweeper=successive_halving", "trainer.max_epochs=9", "sweeper.stack=auto")
    _, rows = sweep(tmp_path / "sweep", "optimizer.lr=tag(log,interval(1e-4,1e-2))", *more)
    epochs = sorted(int(row["epochs"]) for row in rows)
    assert epochs == [1] * 6 + [3] * 2 + [9]
    assert len(mates(tmp_path / "sweep")) == 8


def test_what_is_not_stacked_is_told_once(tmp_path):
    more = ("data=unicode_names", "data.fraction=0.02", "model=gru", "sweeper.stack=2")
    told, rows = sweep(tmp_path / "sweep", "optimizer.lr=1e-3,1e-2", *more)
    assert told.count("not stacked") == 1
    assert {row["state"] for row in rows} == {"completed"}


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("trainer.accumulate_grad_batches=2", "trainer.accumulate_grad_batches"),
        ("callbacks=ema", "callbacks.ema"),
        ("module=mixup", "module"),
        ("cv.folds=3", "cv"),
        ("compile=true", "compile"),
    ],
)
def test_a_config_that_is_not_stacked_says_why(override, told):
    assert stacking.hindered(config()) is None
    assert told in stacking.hindered(config(override))


def test_the_width_leaves_work_for_every_slot():
    plan = type("Plan", (), {"settings": OmegaConf.create({"stack": "auto", "slots": 2})})
    assert stacking.width(plan, 20) == 10
    assert stacking.width(plan, 200) == stacking.MOST
