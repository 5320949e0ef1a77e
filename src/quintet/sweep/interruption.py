"""Ctrl-C, a closed terminal or a cluster's signal, noticed between two events."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from quintet.base import signals

PATIENCE = 0.5
"""Seconds in which a second signal is the first one's echo; a later one ends the sweep at once."""

_harmless = False


class Interruption:
    """Returns, when called, whether the sweep has been asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        """Return whether to stop."""
        return self.asked

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Listen while the block runs, except to signals that are ignored, as by nohup."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        handled = [each for each in numbers if signal.getsignal(each) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._ask) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        self.asked = True
        if signals.is_first(number, PATIENCE) and _harmless:
            raise signals.StoppedError(number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Allow a signal to end the block, which may take long and leaves nothing half done.

    Raises:
        StoppedError: in place of being noticed after the block.

    """
    global _harmless
    _harmless = True
    try:
        if (number := signals.asked()) is not None:
            raise signals.StoppedError(number)
        yield
    finally:
        _harmless = False
