"""File locks that the kernel releases when the process that holds them ends for any reason."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quintet.base import fault_injection

SAFELY = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""Flags for opening: no link is followed, and a pipe is not waited for."""


def take(path: Path) -> int | None:
    """Return a file descriptor that holds the lock at `path`; None if it is held elsewhere.

    The lock belongs to the open file: a child process that inherits the descriptor holds it too.
    """
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def held(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Wait for the lock at `path` and hold it, exclusively or shared."""
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    fault_injection.reach("before", path)
    return os.open(path, os.O_RDWR | os.O_CREAT | SAFELY, 0o644)


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock at `path`; does not create the file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | SAFELY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def wait_for(path: Path, seconds: float) -> int | None:
    """Wait at most `seconds` for the lock at `path`; return as in `take`."""
    until = time.monotonic() + seconds
    while (descriptor := take(path)) is None and time.monotonic() < until:
        time.sleep(0.02)
    return descriptor
