"""Which of a run's processes this is, and whose end is its own."""

import ctypes
import os
import signal
import sys

PARENT, PROCESS = "QUINTET_PARENT", "QUINTET_PROCESS"
"""In a process's environment: the one to end with; the command that handed the environment on."""
_PR_SET_PDEATHSIG = 1


def is_first_rank() -> bool:
    """Tell whether this process writes the run's files, before any process group exists."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK"))


def die_with_parent() -> None:
    """Make this process end with the one that started it, where the environment names that.

    A sweep names itself to what it starts. A rank's parent is the first rank, a command as well.
    """
    is_rank = os.environ.get("LOCAL_RANK", "0") != "0"
    parent = os.environ.pop(PARENT, None) or (is_rank and os.environ.get(PROCESS))
    if parent:
        die_with(int(parent))


def die_with(parent: int) -> None:
    """Make this process end when its parent does, by kill -9 too: at once, if it already has.

    The kernel sends the signal to those who have asked; other systems than Linux send none. A
    parent that was gone by then is known by its number alone, so the number must come from the
    parent: `os.getppid()` here may already be that of whoever took its place.

    Args:
        parent: process id of whoever started this process.

    """
    if sys.platform == "win32":  # where a virtual environment's python.exe stands in between
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
