"""Several processes a trial, within a sweep."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BASE = ["trainer=ddp_cpu", "data=digits", "test=false"]


def command(folder, *arguments):
    train = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={folder}"]
    return [*train, *BASE, *arguments]


def states(folder):
    with (folder / "leaderboard.csv").open() as file:
        return [row["state"] for row in csv.DictReader(file)]


def ranks(folder):
    """Return the processes whose command line names a trial of the folder."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = Path(f"/proc/{entry}/cmdline").read_text()
        except OSError:
            continue
        if f"{folder}/trials" in text:
            found.append(int(entry))
    return found


@pytest.mark.slow
def test_ranks_train_the_same_model_and_are_pruned_together(tmp_path):
    # Ranks that drew different widths could not average their gradients.
    arguments = ["model.width=tag(log,int(interval(8,64)))", "trainer.max_epochs=2"]
    arguments += ["sweeper=asha", "sweeper.scheduler.eta=2", "sweeper.n_trials=3"]
    out = subprocess.run(command(tmp_path, *arguments), capture_output=True, text=True, timeout=240)
    assert out.returncode == 0, out.stdout + out.stderr
    assert set(states(tmp_path)) == {"completed", "pruned"}
    assert not ranks(tmp_path)


@pytest.mark.slow
def test_a_killed_rank_fails_its_trial_and_leaves_no_process(tmp_path):
    arguments = ["seed=1,2", "trainer.max_epochs=100000", "callbacks.early_stopping=null"]
    parent = subprocess.Popen(
        command(tmp_path, *arguments, "sweeper.give_up_after=1"), stdout=-1, stderr=-1, text=True
    )
    log = tmp_path / "trials/0000/metrics.csv"
    until = time.monotonic() + 120
    while not log.exists() and time.monotonic() < until:
        time.sleep(0.1)
    victims = ranks(tmp_path)
    assert victims, "the second rank is started by its command line"
    os.kill(max(victims), signal.SIGKILL)
    _, errors = parent.communicate(timeout=120)
    assert parent.returncode == 1
    assert "trial 0 (seed=1) failed" in errors
    assert not ranks(tmp_path)
