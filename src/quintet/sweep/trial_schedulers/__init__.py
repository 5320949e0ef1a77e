"""Trial schedulers: which trials start, continue and stop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from quintet.sweep.settings import check_least

if TYPE_CHECKING:
    from quintet.study.trial import Trial


@dataclass(frozen=True)
class StartTrial:
    """Start a new trial with these notes."""

    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ContinueTrial:
    """Continue a paused trial until it has trained `budget` epochs in total.

    With a `source`, it first inherits the run of that trial, which has trained as long.
    """

    number: int
    budget: int
    source: int | None = None


@dataclass(frozen=True)
class PruneTrial:
    """Prune a paused trial."""

    number: int


@dataclass(frozen=True)
class Wait:
    """Wait until a running trial ends."""


@dataclass(frozen=True)
class Finished:
    """Nothing is left to start."""


Move = StartTrial | ContinueTrial | PruneTrial | Wait | Finished
All = Callable[[], "Sequence[Trial]"]
"""Loads all trials; slow with thousands of them, and not needed for most reports."""


class Scheduler(Protocol):
    """The part of a strategy that decides how long each trial trains.

    Decisions depend only on the arguments, so that a sweep that was killed and continued gets the
    same ones. `needs_reports` is whether the metric is needed after every epoch.
    """

    needs_reports: bool

    def total(self, max_epochs: int) -> int | None:
        """Return the total number of trials; None if `n_trials` sets it."""

    def move(self, trials: "Sequence[Trial]", limit: int, max_epochs: int, mode: str) -> Move:
        """Return the next move for a free slot.

        Args:
            trials: all so far.
            limit: maximum number of trials.
            max_epochs: of a trial that is not stopped.
            mode: the metric's direction, min or max.

        """

    def stops(self, trial: "Trial", epochs: int, trials: All, mode: str) -> bool:
        """Return whether a trial stops now.

        Args:
            trial: that has just reported, with its reports up to this one.
            epochs: number of epochs of this report.
            trials: returns all so far; this report may or may not be included.
            mode: the metric's direction, min or max.

        """


def check_rungs(min_epochs: int, eta: int) -> None:
    """Raise an error for rungs that do not increase.

    Raises:
        UserError: eta or min_epochs is out of range.

    """
    check_least("scheduler", eta=(eta, 2), min_epochs=(min_epochs, 1))


class Asynchronous:
    """Base of schedulers in which a free slot starts a new trial, and no trial waits for others."""

    def total(self, max_epochs: int) -> None:
        """Return None: `n_trials` sets it."""

    def move(self, trials: "Sequence[Trial]", limit: int, max_epochs: int, mode: str) -> Move:
        """Start trials until there are enough."""
        return StartTrial() if len(trials) < limit else Finished()


class RunAll(Asynchronous):
    """Every trial trains to the end."""

    needs_reports = False

    def stops(self, trial: "Trial", epochs: int, trials: All, mode: str) -> bool:
        """Return False."""
        return False
