"""Ctrl-C, as a terminal sends it: to the whole process group."""

import os
import signal
import sys
import time

import pytest
from family import kill, members, start, state, wait_for_none
from hold import SRC, environment, text, wait_for, wait_for_it

from quintet.study.study import Study
from quintet.sweep.interruption import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
QUICK = ("data=digits", "model.width=8", "seed=1,2")
LONG = (*QUICK, "trainer.max_epochs=100000", "callbacks.early_stopping=null")


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "sweep"
    kill(members(tmp_path / "sweep"))


def begin(folder, *arguments, env=None):
    """Start a sweep as a terminal does: a process group of its own."""
    command = [sys.executable, "-u", str(SRC / "train.py"), "-m", f"hydra.sweep.dir={folder}"]
    files = {k: (folder.parent / f"{k}.txt").open("w") for k in ("stdout", "stderr")}
    return start([*command, *arguments], folder, env=env or {}, start_new_session=True, **files)


def interrupt(parent):
    os.killpg(parent.pid, signal.SIGINT)


def errors(folder):
    return text(folder.parent / "stderr.txt")


def has_stopped(parent, folder):
    """Assert that a sweep ends after one Ctrl-C, says how to go on, and leaves no process."""
    assert parent.wait(timeout=60) == 130
    said = errors(folder)
    assert "Continue with" in said
    assert f"hydra.sweep.dir={folder}" in said
    assert f"report.py sweep={folder}" in said
    assert "Traceback" not in said
    wait_for_none(folder)


def states(folder):
    return [trial.state for trial in Study.read(folder).trials()]


def trials(folder, parent):
    """Return the processes that a sweep's server has forked."""
    return [pid for pid in members(folder) if state(state(pid)[1])[1] == parent.pid]


def test_it_ends_the_trials_which_can_continue(folder):
    parent = begin(folder, *LONG)
    wait_for(lambda: list(folder.glob("trials/0000/checkpoints/*")), parent)
    interrupt(parent)
    has_stopped(parent, folder)
    assert states(folder) == ["running"]
    assert not (folder / "report.html").exists(), "nobody waits for that"
    # The same again, with a trial that does not answer: the sweep waits for it, and has the time.
    parent = begin(folder, *LONG)
    (trial,) = wait_for(lambda: trials(folder, parent), parent)
    os.kill(trial, signal.SIGSTOP)
    interrupt(parent)
    time.sleep(PATIENCE + 0.1)
    interrupt(parent)
    assert parent.wait(timeout=60) == 130
    assert errors(folder) == "", "the second one ends it, without a word"
    wait_for_none(folder)
    assert states(folder) == ["running"]


def test_it_does_not_wait_for_the_libraries(folder, tmp_path):
    parent = begin(folder, *LONG, env=environment(tmp_path, "server"))
    wait_for_it(tmp_path, parent)
    interrupt(parent)
    assert parent.wait(timeout=60) == 130
    assert "Traceback" not in errors(folder)
    wait_for_none(folder)


def test_it_does_not_wait_for_the_report(folder, tmp_path):
    held = environment(tmp_path, "import quintet.report.sweep.sweep_page")
    parent = begin(folder, *LONG, "sweeper.timeout=0.01", env=held)  # one trial, of one epoch
    wait_for_it(tmp_path, parent)
    interrupt(parent)
    has_stopped(parent, folder)
