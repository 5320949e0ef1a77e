"""A process whose parent is killed while it is being started, before it can ask to be told."""

import os
import sys
import time
from pathlib import Path

import pytest
from family import start, state, wait_for_none
from parent import HERE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
SRC = HERE.parents[1] / "src"
# Each Python process imports this first. The one that is meant goes no further than its first
# moment, which of a forked one is the fork, until somebody opens the pipe to write.
HOLD = """
import os, sys

def hold():
    pipe = os.environ["HOLD"]
    with open(pipe + ".part", "w") as file:
        file.write(str(os.getpid()))
    os.replace(pipe + ".part", pipe + ".held")
    open(pipe).close()

def fork_and_hold(fork=os.fork):
    if (pid := fork()) == 0:
        hold()
    return pid

whom, words = os.environ["WHOM"], sys.orig_argv
if whom in ("trial", "worker"):
    os.fork = fork_and_hold
if whom in (os.path.basename(words[1]), "rank " + os.environ.get("LOCAL_RANK", "0")):
    hold()
"""
FORKED = (
    "import sys; from pathlib import Path; from parent import *; from quintet.sweep.fork import *;"
    "chosen = plan(Path(sys.argv[1]), swept(x=[1]), fixed=('sleep=1000',));"
    "loop(chosen, start=Server(['json']).start).run()"
)
READ = (
    "from types import SimpleNamespace; import torch; from quintet.data.disk import disk_loader;"
    "from quintet.data.loader import TensorLoader; x = torch.arange(9);"
    "rows = SimpleNamespace(read=lambda index: index);"
    "list(disk_loader(rows, TensorLoader(x, x, 3), torch.clone, 1))"
)
TRAIN = str(SRC / "train.py")


def commands(folder):
    """Return, for each process that is held, what starts its parent."""
    sweep, run = f"hydra.sweep.dir={folder}", f"hydra.run.dir={folder}"
    return {
        "trial": ["-c", FORKED, folder],
        "worker": ["-c", READ],
        "objective.py": [HERE / "parent.py", folder, "1", "1", "1000"],
        "look.py": [TRAIN, "-m", sweep, "sweeper.look=true", "seed=1,2"],
        "rank 1": [TRAIN, run, "trainer=ddp_cpu", "trainer.max_epochs=100000"],
    }


@pytest.mark.parametrize("whom", ["trial", "objective.py", "worker", "look.py", "rank 1"])
def test_who_is_born_as_its_parent_is_killed_ends_at_once(tmp_path, whom):
    folder, pipe = tmp_path / "sweep", tmp_path / "pipe"
    (tmp_path / "sitecustomize.py").write_text(HOLD)
    os.mkfifo(pipe)
    path = os.pathsep.join([str(tmp_path), str(HERE), str(SRC), os.environ["PYTHONPATH"]])
    given = {"PYTHONPATH": path, "HOLD": str(pipe), "WHOM": whom, "TMPDIR": str(tmp_path)}
    command = [sys.executable, *map(str, commands(folder)[whom])]
    parent = start(command, tmp_path, env=given)
    pid = wait_for(held(Path(f"{pipe}.held")), parent)
    _, starter = state(pid)
    parent.kill()
    parent.wait()
    wait_for(lambda: state(pid)[1] != starter)
    assert state(pid)[0] != "Z", "it is still to be told"
    os.close(os.open(pipe, os.O_WRONLY))
    wait_for_none(tmp_path, seconds=20)
    begun = [*folder.glob("trials/ran"), *tmp_path.glob("tmp*/.hydra")]
    assert not begun, "it went on without its parent"


def held(path):
    return lambda: int(path.read_text()) if path.exists() else None


def wait_for(true, process=None, seconds=60):
    """Return what is to become true, when it has."""
    until = time.monotonic() + seconds
    while not (found := true()):
        assert process is None or process.poll() is None, "ended too early"
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)
    return found
