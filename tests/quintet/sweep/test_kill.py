"""Kill -9 of parts of a real sweep at random moments; the same command after each."""

import csv
import random
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import pytest
from family import kill, members, start, state, wait_for_none

from quintet.artifacts.record import RESULT, Record
from usual import usual

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
ROOT = Path(__file__).parents[3]
TRIALS = 6
ARGUMENTS = [f"seed=range(0,{TRIALS})", "sweeper.slots=2", "test=false", "model.width=8"]
ARGUMENTS += ["callbacks.early_stopping=null", "sweeper.give_up_after=99"]


def generations(pid, folder):
    """Return a process, its children, their children, and so on: server, trials, ranks."""
    everyone, found = {p: state(p)[1] for p in members(folder)}, [[pid]]
    while children := [p for p, parent in everyone.items() if parent in found[-1]]:
        found.append(children)
    return found


def lines(folder):
    path = folder / "journal.log"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def done(folder):
    """Return when each trial that has completed did so."""
    records = folder.glob(f"trials/*/{RESULT}")
    return {r: r.stat().st_mtime_ns for r in records if Record.read(r.parent).status == "completed"}


def kill_one_part(command, folder, chance, log):
    """Start the sweep, kill a part of it after a while, then the sweep; return what was killed."""
    parent = start(command, folder, stdout=log, stderr=log)
    begun, further = lines(folder), chance.randint(0, 9)
    until = time.monotonic() + 120
    while lines(folder) < begun + further and parent.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.5))
    family = generations(parent.pid, folder)
    kinds = ["sweep", "server", "trial", "rank"][: len(family)]
    kind = chance.choice([*kinds, "everything"])
    chosen = (
        [*chain(*family)] if kind == "everything" else [chance.choice(family[kinds.index(kind)])]
    )
    kill(chosen)
    time.sleep(chance.uniform(0, 0.5))  # a sweep that is alive continues
    parent.kill()
    parent.wait()
    wait_for_none(folder, f" after a kill of {kind}")
    return kind


def kill_again_and_again(folder, seed, rounds, *more):
    chance = random.Random(seed)
    command = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={folder}"]
    command += [*ARGUMENTS, *more]
    killed, before = [], {}
    with (folder.parent / "console.txt").open("w") as log:
        for _ in range(rounds):
            killed.append(kill_one_part(command, folder, chance, log))
            now = done(folder)
            assert before.items() <= now.items(), "a completed trial was lost or repeated"
            before = now
        last = subprocess.run(command, stdout=log, stderr=log, timeout=900)
    assert last.returncode == 0, (folder.parent / "console.txt").read_text()[-3000:]
    assert before.items() <= done(folder).items(), "a completed trial was lost or repeated"
    with (folder / "leaderboard.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(int(row["seed"]) for row in rows) == list(range(TRIALS))
    assert {row["state"] for row in rows} <= {"completed", "failed"}
    # A trial that dies while its sweep lives has failed, as for want of memory; others go on.
    fatal = {"trial": 1, "rank": 1, "server": 2}
    assert sum(row["state"] == "failed" for row in rows) <= sum(fatal.get(k, 0) for k in killed)
    print("killed:", ", ".join(killed), "| states:", [row["state"] for row in rows])


@pytest.mark.parametrize("stack", usual([1, 3], 3))
def test_kill_9_loses_repeats_and_orphans_nothing(tmp_path, stack):
    more = ("trainer.max_epochs=3", f"sweeper.stack={stack}")
    kill_again_and_again(tmp_path / "sweep", 5, 2, *more)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("trainer", ["cpu", "ddp_cpu"])
def test_kill_9_twenty_times_over(tmp_path, trainer, seed):
    epochs = {"cpu": 60, "ddp_cpu": 30}[trainer]
    more = (f"trainer={trainer}", f"trainer.max_epochs={epochs}")
    kill_again_and_again(tmp_path / "sweep", seed, 20, *more)
