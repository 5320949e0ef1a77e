"""Ctrl-C and SIGTERM end a run cleanly, wherever they arrive."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 2.0
"""Seconds after a first signal in which further ones are treated as the same request."""

_SHOW_CURSOR = b"\x1b[?25h"
_since: float | None = None
_first: int | None = None
_holding = False


class StoppedError(KeyboardInterrupt):
    """The process received a signal to end.

    It is a KeyboardInterrupt, which libraries handle.

    Args:
        number: of the signal.

    """

    def __init__(self, number: int) -> None:
        self.number = number
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        super().__init__(f"Stopped by {name}.")

    @property
    def exit_code(self) -> int:
        """128 + the signal's number, as in shells."""
        return 128 + self.number


def stop(number: int, frame: FrameType | None) -> None:
    """Raise StoppedError on the first signal; exit immediately on a later one."""
    if is_first(number) and not _holding:
        raise StoppedError(number)


@contextmanager
def held_back() -> Iterator[None]:
    """Defer signals until a block of the main thread has ended.

    Raises:
        StoppedError: after the block, if a signal arrived while it ran.

    """
    global _holding
    if _holding or threading.current_thread() is not threading.main_thread():
        yield
        return
    before, _holding = asked(), True
    try:
        yield
    finally:
        _holding = False
    if before is None and (number := asked()) is not None:
        raise StoppedError(number)


def ignore_first(number: int, frame: FrameType | None) -> None:
    """Ignore the first signal, as the work is done; exit immediately on a later one."""
    is_first(number)


def listen(handler: Callable[[int, FrameType | None], None] = stop) -> None:
    """Install a handler for SIGINT and SIGTERM; Python calls it in the main thread only.

    A signal that the process was started to ignore stays ignored, as in any Python program: a shell
    so shields what a script starts with `&` from the Ctrl-C that is meant for the script.
    """
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, handler)


def heed_again() -> None:
    """Stop ignoring the signals that this process was started to ignore.

    For a process in a session of its own, where only the one that started it sends any.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def is_first(number: int, patience: float = PATIENCE) -> bool:
    """Return whether this is the first signal; exit if `patience` seconds have passed since."""
    global _since, _first
    if _since is None:
        _since, _first = time.monotonic(), number
        return True
    if time.monotonic() - _since > patience:
        if os.isatty(1):
            os.write(1, _SHOW_CURSOR)  # a live view hides the cursor
        os._exit(128 + number)
    return False


def asked() -> int | None:
    """Return the signal that this process has received to end; None if none."""
    return None if _since is None else _first


def raise_pending() -> None:
    """Raise StoppedError again if a library has swallowed it, as in a `__del__`.

    Raises:
        StoppedError: the process has received a signal and is still running.

    """
    if _first is not None and _since is not None:
        raise StoppedError(_first)


def stop_behind(error: BaseException | None) -> StoppedError | None:
    """Return the signal that caused an error, if any; Lightning turns it into SystemExit."""
    seen: set[int] = set()
    while error is not None and not isinstance(error, StoppedError):
        if id(error) in seen:  # a cycle in the chain of causes
            return None
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return error
