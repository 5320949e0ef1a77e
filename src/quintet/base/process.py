"""The role of this process in a run, and the parent that it ends with."""

import ctypes
import os
import signal
import sys
import time

PARENT, PROCESS = "QUINTET_PARENT", "QUINTET_PROCESS"
"""Environment variables: the process to end with; the command that passed the environment."""
_PR_SET_PDEATHSIG = 1
_began: list[float] = []


def begin() -> None:
    """Note that this process begins a command."""
    _began[:] = [time.monotonic()]


def command_seconds() -> float:
    """Return the seconds since this process began its command; 0 in a program of one's own."""
    return time.monotonic() - _began[0] if _began else 0.0


def is_first_rank() -> bool:
    """Return whether this process writes the run's files, before any process group exists."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK"))


def die_with_parent() -> None:
    """Make this process end when its parent ends, if the environment names the parent.

    A sweep sets the variable for the processes that it starts. A rank's parent is the first rank.
    """
    is_rank = os.environ.get("LOCAL_RANK", "0") != "0"
    parent = os.environ.pop(PARENT, None) or (is_rank and os.environ.get(PROCESS))
    if parent:
        die_with(int(parent))


def die_with(parent: int) -> None:
    """Make this process end when its parent ends, even by kill -9; at once if it has ended.

    Linux only. A parent that ended before this call is recognized by its id, so the id must come
    from the parent: `os.getppid()` may already return the process that adopted this one.

    Args:
        parent: process id of the parent.

    """
    if sys.platform == "win32":  # a virtual environment's python.exe is in between
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
