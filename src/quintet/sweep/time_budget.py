"""The time budget of a sweep."""

import time

EXTRA, LEAST = 0.1, 5.0
"""Share of the time limit, and minimum seconds, by which a trial's last epoch may exceed it."""
ENDING, SLOWNESS = 0.2, 0.3
"""Shares that are kept for the test and an ensemble: of a sweep's time, at least `LEAST` seconds,
and of the time that it took to begin, as on a busy machine the end takes longer as well."""


class TimeBudget:
    """A countdown that starts on creation.

    Args:
        seconds: until it is used up; None for no limit.
        spent: seconds of it before.

    """

    def __init__(self, seconds: float | None, spent: float = 0.0) -> None:
        self.seconds, self._began = seconds, time.monotonic() - spent

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
        beginning = self.seconds - self.left
        return max(0.0, self.left - max(LEAST, ENDING * self.seconds, SLOWNESS * beginning))
