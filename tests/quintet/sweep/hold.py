"""Holds one process of a family at a moment that otherwise is over before a signal can come."""

import os
import time
from pathlib import Path

from parent import HERE

SRC = HERE.parents[2] / "src"
# Every Python process imports this first. The one that is meant waits for the pipe's other end.
CODE = """
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

class Import:
    def find_spec(self, name, *rest):
        if whom == "import " + name:
            hold()

whom, words = os.environ["WHOM"], sys.orig_argv
sys.meta_path.insert(0, Import())
if whom == "forked":
    os.fork = fork_and_hold
if whom in (os.path.basename(words[1]), "rank " + os.environ.get("LOCAL_RANK", "0")):
    hold()
if whom == "server" and "fork_server" in " ".join(words):
    hold()
"""


def environment(folder, whom):
    """Return the environment of a family in which one is held.

    Args:
        folder: to write to.
        whom: "forked", at its first moment; a script's name, "rank 1" or "server", at its start;
            "import a.module", where it is imported.

    """
    (folder / "sitecustomize.py").write_text(CODE)
    os.mkfifo(folder / "pipe")
    path = os.pathsep.join([str(folder), str(HERE), str(SRC), os.environ["PYTHONPATH"]])
    return {"PYTHONPATH": path, "HOLD": str(folder / "pipe"), "WHOM": whom}


def wait_for_it(folder, parent):
    """Return the process id of the one that is held."""
    held = folder / "pipe.held"
    return wait_for(lambda: int(held.read_text()) if held.exists() else None, parent)


def let_go(folder):
    """Release the process that is held."""
    os.close(os.open(folder / "pipe", os.O_WRONLY))


def wait_for(true, process=None, seconds=60):
    """Return what is to become true, when it has; `process` lives until then."""
    until = time.monotonic() + seconds
    while not (found := true()):
        assert process is None or process.poll() is None, "ended too early"
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)
    return found


def text(path):
    """Return what a file holds, or nothing where there is none yet."""
    return Path(path).read_text() if Path(path).exists() else ""
