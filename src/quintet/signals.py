"""Ctrl-C and SIGTERM end a run in good order, alike wherever they reach it."""

import os
import signal
import threading
import time
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 2.0
"""Seconds after a first signal in which further ones are taken for the same wish."""

_SHOW_CURSOR = b"\x1b[?25h"
_since: float | None = None
_first: int | None = None


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


def listen() -> None:
    """Raise StoppedError in the main thread at SIGINT and SIGTERM; exit at once at a later one."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    if is_first(number):
        raise StoppedError(number)


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


def behind(error: BaseException | None) -> StoppedError | None:
    """Return the signal that led to an error, if one did: Lightning makes SystemExit of it."""
    seen: set[int] = set()
    while error is not None and not isinstance(error, StoppedError):
        if id(error) in seen:  # an error raised again from its own consequence
            return None
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return error
