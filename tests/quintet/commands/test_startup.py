"""An answer that needs no training imports nothing that does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from usual import every

SRC = Path(__file__).parents[3] / "src"
HEAVY = {"torch", "lightning", "torchmetrics", "sklearn", "pandas", "scipy", "optuna", "wandb"}


def train(folder, *arguments):
    place = f"hydra.run.dir={folder}"
    command = [sys.executable, "-X", "importtime", str(SRC / "train.py"), *arguments, place]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def imported(done):
    found = re.findall(r"^import time: .*\| +(\S+)$", done.stderr, re.M)
    return {name.partition(".")[0] for name in found}


@pytest.mark.parametrize("flags", [("--help",), ("--cfg", "job")])
def test_help_and_config_import_nothing_heavy(flags, tmp_path):
    done = train(tmp_path, *flags)
    assert done.returncode == 0
    assert "optimizer" in done.stdout
    assert "hydra" in imported(done)
    assert not imported(done) & HEAVY


@pytest.mark.parametrize(
    ("mistake", "hint"),
    every(
        3,
        [
            ("optimizer.lrr=0.1", "Did you mean 'lr'?"),
            ("optimizer=adm", "Did you mean 'adam'?"),
            ("sede=1", "Did you mean 'seed'?"),
            ("loss=mse", "loss=cross_entropy"),
            ("metric=rmse", "metric=accuracy"),
            ("model=transformer", "model=cnn"),
            ("optimizer.lr=fast", "is of type str"),
            ("optimizer.lr=-1", "at least 0"),
            ("optimizer.betas=[0.9]", "2 numbers"),
            ("model.width=abc", "is of type str"),
            ("model.width=0", "at least 1"),
            ("data.val=0", "more than 0"),
            ("trainer.max_epochs=abc", "is of type str"),
            ("callbacks.early_stopping.patience=x", "is of type str"),
        ],
    ),
)
def test_a_mistake_is_answered_before_anything_heavy_is_imported(mistake, hint, tmp_path):
    done = train(tmp_path, mistake)
    assert done.returncode == 1
    assert hint in done.stderr
    assert not imported(done) & HEAVY


@pytest.mark.parametrize("words", every(3, ["loss=mse", "optimizer.lr=fast", "optimizer.lr=-1"]))
def test_a_sweeps_mistake_is_answered_by_its_own_process(words, tmp_path):
    place = f"hydra.sweep.dir={tmp_path / 'sweep'}"
    script = [sys.executable, "-X", "importtime", str(SRC / "train.py")]
    done = subprocess.run(
        [*script, "-m", words, "seed=1,2", place], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert words.partition("=")[0] in done.stderr
    assert "quintet.training.build" in done.stderr  # the sweep's own
    assert not imported(done) & (HEAVY - {"optuna"})
