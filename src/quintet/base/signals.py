"""Ctrl-C and SIGTERM end a run in good order, alike wherever they reach it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 2.0
"""Seconds after a first signal in which further ones are taken for the same wish."""

_SHOW_CURSOR = b"\x1b[?25h"
_since: float | None = None
_first: int | None = None
_holding = False


class StoppedError(KeyboardInterrupt):
    """A signal asked the process to end.

    It is a KeyboardInterrupt, for which libraries are prepared.

    Args:
        number: of the signal.

    """

    def __init__(self, number: int) -> None:
        self.number = number
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        super().__init__(f"Stopped by {name}.")

    @property
    def exit_code(self) -> int:
        """128 + the signal's number, as shells have it."""
        return 128 + self.number


def stop(number: int, frame: FrameType | None) -> None:
    """Raise StoppedError at a first signal; exit at once at a later one."""
    if is_first(number) and not _holding:
        raise StoppedError(number)


@contextmanager
def held_back() -> Iterator[None]:
    """Let a block of the main thread end before a signal is heeded.

    Raises:
        StoppedError: after the block, where a signal came while it ran.

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


def outlive(number: int, frame: FrameType | None) -> None:
    """Go on at a first signal, as all that mattered is done; exit at once at a later one."""
    is_first(number)


def listen(handler: Callable[[int, FrameType | None], None] = stop) -> None:
    """Let a handler meet SIGINT and SIGTERM, which Python calls in the main thread alone."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, handler)


def is_first(number: int, patience: float = PATIENCE) -> bool:
    """Return whether nobody asked before; exit at once where that was `patience` seconds ago."""
    global _since, _first
    if _since is None:
        _since, _first = time.monotonic(), number
        return True
    if time.monotonic() - _since > patience:
        if os.isatty(1):
            os.write(1, _SHOW_CURSOR)  # a live view hides it
        os._exit(128 + number)
    return False


def asked() -> int | None:
    """Return the signal that has asked this process to end; None where none has."""
    return None if _since is None else _first


def heed() -> None:
    """Raise what a signal has raised before and a library let fall, as out of a `__del__`.

    Raises:
        StoppedError: somebody has asked this process to end, and it goes on all the same.

    """
    if _first is not None and _since is not None:
        raise StoppedError(_first)


def behind(error: BaseException | None) -> StoppedError | None:
    """Return the signal that led to an error, if one did: Lightning makes SystemExit of it."""
    seen: set[int] = set()
    while error is not None and not isinstance(error, StoppedError):
        if id(error) in seen:  # an error raised again from its own consequence
            return None
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return error
