"""The engine by itself: built as a wheel, installed, and run outside a checkout."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
SHORT = ("trainer=cpu", "trainer.max_epochs=1", "baselines=false", "report=false", "model=tiny")
TINY = """# A layer of my own.
_target_: mine.models.Tiny
fits: [table, image]
input_shape: ${facts.input_shape}
num_outputs: ${loss.num_outputs}
"""
CODE = """
import math

from torch import nn


class Tiny(nn.Module):
    def __init__(self, input_shape: list[int], num_outputs: int) -> None:
        super().__init__()
        self.head = nn.Linear(math.prod(input_shape), num_outputs)

    def forward(self, x):
        return self.head(x.flatten(1))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Give a fresh environment with the wheel, and the dependencies of this one."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, folder / name)
    for name in ("src", "configs"):
        left = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, folder / name, ignore=left)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = [*pip, "wheel", "-q", "--no-build-isolation", "--no-deps", "--no-index", "-w", "dist"]
    subprocess.run([*build, "."], cwd=folder, check=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv/bin/python"
    install = [*pip, "--python", str(python), "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*install, str(wheel)], check=True)
    where = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
    # Only the path, so that a checkout that is installed there to be edited is not found.
    (Path(own) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    shutil.rmtree(folder / "src")
    return folder / "venv/bin/quintet"


@pytest.fixture
def elsewhere(tmp_path) -> Path:
    """Give a folder with a config and a package of one's own."""
    (tmp_path / "configs/model").mkdir(parents=True)
    (tmp_path / "configs/model/tiny.yaml").write_text(TINY)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/models.py").write_text(CODE)
    (tmp_path / "pyproject.toml").write_text('[tool.quintet]\nproject = "mine"\n')
    return tmp_path


def run(installed, folder, *words, check=True):
    kept = {k: v for k, v in os.environ.items() if k not in ("PROJECT_ROOT", "PYTHONPATH")}
    done = subprocess.run(
        [str(installed), *words],
        cwd=folder,
        env=kept | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def test_it_trains_an_option_of_the_folder_that_it_is_started_in(installed, elsewhere):
    said = run(installed, elsewhere, "train", *SHORT, "hydra.run.dir=logs/run").stdout
    record = json.loads((elsewhere / "logs/run/result.json").read_text())
    assert (record["status"], record["choices"]["model"]) == ("completed", "tiny")
    assert "quintet evaluate run=logs/run" in said


def test_a_sweep_tries_it_too(installed, elsewhere):
    run(installed, elsewhere, "train", "-m", *SHORT, "optimizer=adam,sgd", "study=mine")
    board = elsewhere / "logs/train/sweeps/mine/leaderboard.csv"
    assert len(board.read_text().splitlines()) == 3


def test_the_options_are_the_folders_and_the_engines(installed, elsewhere):
    said = run(installed, elsewhere, "train", "model=tinny", check=False).stderr
    assert "Did you mean 'tiny'?" in said
    assert "mlp" in said
    assert (
        "configs/model/tiny.yaml" in run(installed, elsewhere, "train", "model=tiny", "-h").stdout
    )


def test_options_whose_code_stays_in_the_checkout_are_left_out(installed, elsewhere):
    assert "maxout" not in run(installed, elsewhere, "train", "--help").stdout


def test_it_says_which_commands_there_are(installed, elsewhere):
    answer = run(installed, elsewhere, "trane", check=False)
    assert answer.returncode == 1
    assert "trane is not a command. quintet <command> ..., one of: check, compare" in answer.stderr
