"""An answer that needs no training imports nothing that does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[3] / "src"
HEAVY = {"torch", "lightning", "torchmetrics", "sklearn", "pandas", "scipy", "optuna", "wandb"}


def train(folder, *arguments):
    place = f"hydra.run.dir={folder}"
    command = [sys.executable, "-X", "importtime", str(SRC / "train.py"), *arguments, place]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def imported(done):
    return {name.partition(".")[0] for name in re.findall(r"\| +(\S+)$", done.stderr, re.M)}


@pytest.mark.parametrize("flags", [("--help",), ("--cfg", "job")])
def test_help_and_config_import_nothing_heavy(flags, tmp_path):
    done = train(tmp_path, *flags)
    assert done.returncode == 0
    assert "optimizer" in done.stdout
    assert "hydra" in imported(done)
    assert not imported(done) & HEAVY


@pytest.mark.parametrize(
    ("mistake", "hint"),
    [
        ("optimizer.lrr=0.1", "Did you mean 'lr'?"),
        ("optimizer=adm", "Did you mean 'adam'?"),
        ("sede=1", "Did you mean 'seed'?"),
        ("loss=mse", "loss=cross_entropy"),
        ("metric=rmse", "metric=accuracy"),
        ("model=transformer", "model=cnn"),
    ],
)
def test_a_mistake_is_answered_before_anything_heavy_is_imported(mistake, hint, tmp_path):
    done = train(tmp_path, mistake)
    assert done.returncode == 1
    assert hint in done.stderr
    assert not imported(done) & HEAVY
