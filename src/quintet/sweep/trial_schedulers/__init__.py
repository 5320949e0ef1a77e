"""Who goes on, who stops, and who begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from quintet.base.errors import Code, UserError

if TYPE_CHECKING:
    from quintet.study.trial import Trial


@dataclass(frozen=True)
class StartTrial:
    """A new trial is to begin, with these notes about it."""

    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ContinueTrial:
    """A paused trial is to go on until it has trained so many epochs."""

    number: int
    budget: int


@dataclass(frozen=True)
class PruneTrial:
    """A paused trial is not to go on."""

    number: int


@dataclass(frozen=True)
class Wait:
    """Nothing can be decided before a running trial ends."""


@dataclass(frozen=True)
class Finished:
    """Nothing is left to begin."""


Move = StartTrial | ContinueTrial | PruneTrial | Wait | Finished
All = Callable[[], "Sequence[Trial]"]
"""Looks at all trials, which of thousands takes a while, and most reports are of no rung."""


class Scheduler(Protocol):
    """A strategy's second half: how long to look.

    What it answers depends on its arguments alone, so that a sweep that was killed and goes on
    hears what it would have heard. `watches` tells whether P is asked for after every epoch.
    """

    watches: bool

    def total(self, max_epochs: int) -> int | None:
        """Return how many trials the scheme has; None where `n_trials` says it."""

    def move(self, trials: "Sequence[Trial]", limit: int, max_epochs: int, mode: str) -> Move:
        """Return what a free slot is to do.

        Args:
            trials: all so far.
            limit: how many there may be.
            max_epochs: of a trial that is not stopped.
            mode: P's direction.

        """

    def stops(self, trial: "Trial", epochs: int, trials: All, mode: str) -> bool:
        """Tell whether a trial stops now.

        Args:
            trial: that has just reported P, its reports up to this one.
            epochs: after which it did.
            trials: gives all so far; whether this report is in them already is all the same.
            mode: P's direction.

        """


def check_rungs(min_epochs: int, eta: int) -> None:
    """Refuse rungs that do not rise.

    Raises:
        UserError: with what is allowed.

    """
    if eta < 2 or min_epochs < 1:
        raise UserError(
            f"sweeper.scheduler: eta={eta}, min_epochs={min_epochs}",
            code=Code.OUT_OF_RANGE,
            hint="Allowed: eta of 2 or more, min_epochs of 1 or more",
        )


class RunAll:
    """Every trial trains to its end."""

    watches = False

    def total(self, max_epochs: int) -> None:
        """Return None: `n_trials` says it."""

    def move(self, trials: "Sequence[Trial]", limit: int, max_epochs: int, mode: str) -> Move:
        """Begin trials until there are enough."""
        return StartTrial() if len(trials) < limit else Finished()

    def stops(self, trial: "Trial", epochs: int, trials: All, mode: str) -> bool:
        """Return False."""
        return False
