"""Trials that differ in numbers only train together; the others run as they would."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from family import start, wait_for_none
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import runs
from quintet.base import paths
from quintet.study.space import Choice, Space
from quintet.sweep import stacking
from quintet.training import stackable

ROOT = Path(__file__).parents[3]
SWEEP = ("trainer=cpu", "trainer.max_epochs=2", "model.width=8", "report=false", "test=false")


def config(*overrides):
    with initialize_config_dir(str(paths.CONFIGS), version_base="1.3"):
        return compose("train", [*overrides])


def command(folder, *overrides):
    own = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={folder}"]
    return [*own, *SWEEP, *overrides]


def sweep(folder, *overrides):
    done = subprocess.run(
        command(folder, *overrides),
        capture_output=True,
        text=True,
        env=runs.environment(),
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, leaderboard(folder)


def leaderboard(folder):
    with (folder / "leaderboard.csv").open() as file:
        return list(csv.DictReader(file))


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


@pytest.mark.slow
def test_a_paused_trial_of_a_stack_continues_alone(tmp_path):
    more = ("sweeper=successive_halving", "trainer.max_epochs=9", "sweeper.stack=auto")
    _, rows = sweep(tmp_path / "sweep", "optimizer.lr=tag(log,interval(1e-4,1e-2))", *more)
    epochs = sorted(int(row["epochs"]) for row in rows)
    assert epochs == [1] * 6 + [3] * 2 + [9]
    assert len(mates(tmp_path / "sweep")) == 8


def last(folder):
    """Return the last state of each trial."""
    paths = sorted(folder.glob("trials/*/checkpoints/last.ckpt"))
    return [torch.load(path, weights_only=True) for path in paths]


EPOCHS = 60
ENDED = ("seed=range(0,4)", "sweeper.stack=4", f"trainer.max_epochs={EPOCHS}", "scheduler=plateau")


@pytest.fixture(scope="session")
def whole(once):
    """Return the sweep that nobody ended."""
    return once("stacked", lambda folder: sweep(folder / "sweep", *ENDED)) / "sweep"


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_stack_that_is_ended_continues_to_the_same_result(tmp_path, whole, number):
    ended = tmp_path / "ended"
    with (tmp_path / "log.txt").open("w") as log:
        parent = start(command(ended, *ENDED), ended, stdout=log, stderr=log)
        until = time.monotonic() + 120
        while len([*ended.glob("trials/*/checkpoints/last.ckpt")]) < 4:
            assert parent.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        parent.send_signal(number)
        parent.wait(timeout=60)
    wait_for_none(ended)
    assert "Traceback" not in (tmp_path / "log.txt").read_text()
    before = [state["epoch"] for state in last(ended)]
    assert max(before) < EPOCHS - 1, "it ended too late to have been ended"
    told, rows = sweep(ended, *ENDED)
    assert "not stacked" not in told
    assert len(mates(ended)) == 3, "the trials that go on did not begin anew"
    for key in ("state", "epochs", "best_epoch", "seed"):
        assert [row.get(key) for row in rows] == [row.get(key) for row in leaderboard(whole)]
    for mine, other in zip(last(ended), last(whole), strict=True):
        for name, tensor in mine["state_dict"].items():
            assert torch.allclose(tensor, other["state_dict"][name], atol=1e-4), name


@pytest.mark.slow
def test_what_is_not_stacked_is_reported_once(tmp_path):
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
    assert stackable.obstacle(config()) is None
    assert told in stackable.obstacle(config(override))


def test_what_the_trials_of_a_stack_have_in_common_is_reported():
    keys = ("optimizer.lr", "model.width", "seed", "data.batch_size")
    space = Space(tuple(Choice(key, ("1", "2")) for key in keys))
    assert stacking.shared_keys(space) == ["model.width", "data.batch_size"]


def test_the_width_leaves_work_for_every_slot():
    plan = type("Plan", (), {"settings": OmegaConf.create({"stack": "auto", "slots": 2})})
    assert stacking.width(plan, 20) == 10
    assert stacking.width(plan, 200) == stacking.DEFAULT_WIDTH
