"""The time budget of a sweep."""

import time

EXTRA, LEAST = 0.1, 5.0
"""Share of the time, and seconds at least, that a trial's last epoch may take beyond it."""
TRIALS = 0.75
"""Share of a sweep's time that its trials get where an ensemble follows them."""


class TimeBudget:
    """Counts down from its creation.

    Args:
        seconds: until it is used up; None for no limit.

    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds, self._began = seconds, time.monotonic()

    @property
    def left(self) -> float | None:
        """Seconds that are left, never less than none; None where there is no end."""
        if self.seconds is None:
            return None
        return max(0.0, self.seconds - (time.monotonic() - self._began))

    @property
    def late(self) -> bool:
        """Whether no trial is to begin, and those that run are to stop after their epoch."""
        return self.left == 0.0

    @property
    def overdue(self) -> bool:
        """Whether a trial whose epoch has not ended yet is to be interrupted."""
        if self.seconds is None:
            return False
        spent = time.monotonic() - self._began
        return spent > self.seconds + max(LEAST, EXTRA * self.seconds)

    def for_trials(self, ensemble: int | None) -> float | None:
        """Return the seconds that trials have from now on; `ensemble` is the sweeper's setting."""
        if self.left is None or self.seconds is None or not ensemble:
            return self.left
        return max(0.0, self.left - (1 - TRIALS) * self.seconds)
