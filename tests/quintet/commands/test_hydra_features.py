"""docs/hydra.md describes each documented feature of Hydra; this runs its commands."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import runs
from usual import every

PAGE = (runs.ROOT / "docs/hydra.md").read_text("utf-8")
ROW = re.compile(r"^\| `(?P<words>[^`]+)` \| (?P<here>as stock|extended|refused) \|", re.MULTILINE)
ROWS = {row["words"]: row["here"] for row in ROW.finditer(PAGE)}
QUIET = ("baselines=false", "report=false", "callbacks.progress=null", "paths.logs=logs")
SMALL = ("trainer=cpu", "trainer.max_epochs=1", *QUIET)
SEEN = {
    "optimizer=sgd optimizer.lr=0.1": "optimizer sgd",
    "+newkey=1": "newkey is not a key of the config",
    "~scheduler": "scheduler is not a key",
    "--cfg job": "metric:\n",
    "--cfg hydra": "hydra:\n",
    "--info defaults": "optimizer/adam",
    "--help": "what an option is, and its keys",
    "--hydra-help": "--multirun",
    "--version": "Hydra 1.",
    "--shell-completion install=bash": "complete ",
    "--config-dir=own experiment=mine": "--config-dir=own",
    "hydra.searchpath=[file://own]": "mlp on digits",
    "--config-name=evaluate --cfg job": "splits",
    "--config-path=own": "not found",
    "--experimental-rerun=config.pickle": "would load a pickle",
    "optimizer.lr=0.1,0.01": "--multirun",
    "-m 'model.width=range(8,24,8)'": "2 trials",
    "-m 'optimizer=glob(adam*,exclude=[*free,*w])'": "1 trial,",
    "-m hydra/launcher=joblib optimizer.lr=0.1,0.01": "sweeper.workers=",
    "-m hydra/sweeper=basic optimizer.lr=0.1,0.01": "mlp on digits",
}
"""What the words print, where it is not what a run or a sweep prints."""
SWEPT, TRAINED = "wins", "on test data"
ONLY_TOLD = ("--cfg", "--info", "--help", "--hydra-help", "--version", "--shell-completion")
USUAL = ("-m optimizer.lr=0.1,0.01", "-m hydra/sweeper=basic optimizer.lr=0.1,0.01")
"""Sweeps of the suite; the others are slow tests, and test_overrides.py has their grammar."""


def swept(words: str) -> bool:
    return any(word in words for word in ("-m ", "MULTIRUN", "--multirun"))


def case(words: str) -> Any:
    marks = [pytest.mark.slow] if swept(words) and words not in USUAL else []
    return pytest.param(words, marks=marks)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with options of one's own."""
    (tmp_path / "own/experiment").mkdir(parents=True)
    preset = "# @package _global_\n# One's own.\ntrainer:\n  max_epochs: 1\n"
    (tmp_path / "own/experiment/mine.yaml").write_text(preset)
    return tmp_path


@pytest.mark.parametrize("words", every(3, [case(words) for words in ROWS]))
def test_the_words_do_what_the_page_says(words: str, desk: Path) -> None:
    typed = shlex.split(words)
    small = () if any(word in ONLY_TOLD for word in typed) else SMALL
    command = [sys.executable, str(runs.ROOT / "src/train.py"), *typed, *small]
    done = subprocess.run(
        command, cwd=desk, env=runs.environment(), text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == (1 if ROWS[words] == "refused" else 0), done.stdout
    assert "Traceback" not in done.stdout
    usual = SWEPT if swept(words) else TRAINED
    assert SEEN.get(words, usual) in done.stdout


def test_every_row_is_typed() -> None:
    assert len(ROWS) == sum(line.startswith("| `") for line in PAGE.splitlines())
    assert set(SEEN) <= set(ROWS)
