"""Ctrl-C, a closed terminal or a cluster's signal, noticed between two events."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """Tells, when called, whether somebody has asked the sweep to stop."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        """Return whether to stop."""
        return self.asked

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Listen for as long as the block runs."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._ask) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        self.asked = True
