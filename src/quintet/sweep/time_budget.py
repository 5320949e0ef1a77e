"""The time budget of a sweep."""

import time

EXTRA, LEAST = 0.1, 5.0
"""Share of the time limit, and minimum seconds, by which a trial's last epoch may exceed it."""
ENDING = 0.2
"""Share of a sweep's time, of at least `LEAST` seconds, that is kept for an ensemble."""


class TimeBudget:
    """A countdown that starts on creation.

    Args:
        seconds: until it is used up; None for no limit.

    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds, self._began = seconds, time.monotonic()

    @property
    def left(self) -> float | None:
        """Seconds left, at least 0; None if there is no limit."""
        if self.seconds is None:
            return None
        return max(0.0, self.seconds - (time.monotonic() - self._began))

    @property
    def late(self) -> bool:
        """Whether no more trials start, and running ones stop after their epoch."""
        return self.left == 0.0

    @property
    def overdue(self) -> bool:
        """Whether running trials are interrupted within their epoch."""
        if self.seconds is None:
            return False
        spent = time.monotonic() - self._began
        return spent > self.seconds + max(LEAST, EXTRA * self.seconds)

    def for_trials(self, ensemble: int | None) -> float | None:
        """Return the seconds left for trials; `ensemble` is the sweeper's setting."""
        if self.left is None or self.seconds is None or not ensemble:
            return self.left
        return max(0.0, self.left - max(LEAST, ENDING * self.seconds))
