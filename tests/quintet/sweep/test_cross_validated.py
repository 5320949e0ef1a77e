"""Sweeps whose trials train once a fold."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
QUICK = ["trainer=cpu", "data=breast_cancer", "model.width=8", "data.batch_size=32"]


def command(folder, *arguments):
    train = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={folder}"]
    return [*train, *QUICK, *arguments]


def record(folder):
    return json.loads((folder / "result.json").read_text())


def rows(folder):
    with (folder / "leaderboard.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_halving_pauses_and_continues_within_the_folds(tmp_path):
    strategy = ["sweeper=successive_halving", "sweeper.scheduler.eta=2"]
    space = ["optimizer.lr=tag(log,interval(1e-3,1e-1))"]
    words = ["cv.folds=2", "trainer.max_epochs=2", *strategy, *space]
    out = subprocess.run(command(tmp_path, *words), capture_output=True, text=True, timeout=240)
    assert out.returncode == 0, out.stdout + out.stderr
    first, *others = rows(tmp_path)
    assert [int(row["epochs"]) for row in others] == [2, 1, 1]  # so many are trained in all
    best = record(tmp_path / "best")
    folds = [record(tmp_path / f"best/folds/{i}") for i in range(2)]
    assert best["metric"]["value"] == float(first["value"])
    assert best["metric"]["value"] == sum(fold["metric"]["value"] for fold in folds) / 2
    assert best["spread"]["deviation"] == pytest.approx(float(first["spread"]))
    assert best["epochs"] == int(first["epochs"]) == 4
    for i in range(2):  # paused and gone on, every epoch trained once
        lines = (tmp_path / f"best/folds/{i}/metrics.csv").read_text().splitlines()[1:]
        assert [line.split(",")[0] for line in lines] == ["0", "1"]
    assert 0 < best["test"]["accuracy"] <= 1
    assert best["seconds"] == float(first["seconds"])
    assert best["seconds"] > sum(fold["seconds"] for fold in folds)  # of all sessions
    for row in (first, *others):
        assert record(Path(row["folder"]))["test"] == {}
    for row in others[1:]:
        assert not (Path(row["folder"]) / "folds/1").exists()  # stopped in the first fold


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("folds/1", signal.SIGINT),
        ("folds/1", signal.SIGKILL),
        ("folds/1/checkpoints/last.ckpt", signal.SIGKILL),
    ],
)
def test_ended_in_a_fold_the_same_command_keeps_those_before(tmp_path, moment, end):
    """`ensembles/test_cross_validation.py` kills a run by itself."""
    words = ["cv.folds=3", "seed=1,2", "trainer.max_epochs=12", "test=false"]
    words += ["callbacks.early_stopping=null"]
    trial = tmp_path / "trials/0000"
    parent = subprocess.Popen(command(tmp_path, *words), stdout=-1, stderr=-1, text=True)
    until = time.monotonic() + 120
    while not (trial / moment).exists() and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(parent.pid, end)
    parent.communicate()
    kept = (trial / "folds/0/checkpoints/last.ckpt").stat().st_mtime_ns
    interrupted = end == signal.SIGINT
    assert not (trial / "result.json").exists() or interrupted
    out = subprocess.run(command(tmp_path, *words), capture_output=True, text=True, timeout=240)
    assert out.returncode == 0, out.stdout + out.stderr
    assert (trial / "folds/0/checkpoints/last.ckpt").stat().st_mtime_ns == kept
    assert record(trial / "folds/0")["sessions"] == 1
    assert record(trial / "folds/1")["sessions"] >= 1
    assert [(row["state"], row["epochs"]) for row in rows(tmp_path)] == [("completed", "36")] * 2


def test_folds_are_not_swept(tmp_path):
    out = subprocess.run(command(tmp_path, "cv.folds=3,5"), capture_output=True, text=True)
    assert out.returncode == 1
    assert "means over different folds cannot be compared" in out.stderr
