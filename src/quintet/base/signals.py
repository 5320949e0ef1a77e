"""Signal handling: Ctrl-C and SIGTERM end a run cleanly at any time."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 2.0
"""Seconds after the first signal during which further ones count as the same request."""

_SHOW_CURSOR = b"\x1b[?25h"
_since: float | None = None
_first: int | None = None
_holding = False


class StoppedError(KeyboardInterrupt):
    """The process received a signal to end.

    It is a KeyboardInterrupt, which libraries handle.

    Args:
        number: number of the signal.

    """

    def __init__(self, number: int) -> None:
        self.number = number
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        super().__init__(f"Stopped by {name}.")

    @property
    def exit_code(self) -> int:
        """128 + the number of the signal, as in shells."""
        return 128 + self.number


def stop(number: int, frame: FrameType | None) -> None:
    """Raise `StoppedError` on the first signal; exit immediately on a later one."""
    if is_first(number) and not _holding:
        raise StoppedError(number)


@contextmanager
def deferred() -> Iterator[None]:
    """Defer signals until the end of the block, in the main thread.

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
    """Ignore the first signal because the work is done; exit immediately on a later one."""
    is_first(number)


def listen(handler: Callable[[int, FrameType | None], None] = stop) -> None:
    """Install a handler for SIGINT and SIGTERM; Python only calls it in the main thread.

    A signal that was ignored when the process started stays ignored, as in any Python program: this
    is how a shell protects the background jobs (`&`) of a script from a Ctrl-C for the script.
    """
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, handler)


def restore_defaults() -> None:
    """Restore the default handlers of signals that were ignored when this process started.

    For a process in its own session, which only receives signals from its parent.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def is_first(number: int, patience: float = PATIENCE) -> bool:
    """Return whether this is the first signal; exit if the first is over `patience` seconds old."""
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
    """Return the number of the first signal that this process has received; None if none."""
    return None if _since is None else _first


def raise_pending() -> None:
    """Raise `StoppedError` again if a library has suppressed it, as in a `__del__`.

    Raises:
        StoppedError: the process has received a signal.

    """
    if _first is not None and _since is not None:
        raise StoppedError(_first)


def find_stop(error: BaseException | None) -> StoppedError | None:
    """Return the `StoppedError` that caused an error, if any; Lightning raises SystemExit."""
    seen: set[int] = set()
    while error is not None and not isinstance(error, StoppedError):
        if id(error) in seen:  # a cycle in the chain of causes
            return None
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return error
