"""Synchronous successive halving and Hyperband: trials are paused, and the best continue."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quintet.sweep.trial_schedulers import (
    All,
    ContinueTrial,
    Finished,
    Move,
    PruneTrial,
    StartTrial,
    Wait,
    check_rungs,
)

if TYPE_CHECKING:
    from quintet.study.trial import Trial


@dataclass(frozen=True)
class Rung:
    """A number of trials, and the epochs that each has trained at this rung in total."""

    trials: int
    epochs: int


Bracket = tuple[Rung, ...]


def steps(max_epochs: int, min_epochs: int, eta: int) -> int:
    """Return how often max_epochs can be divided by eta without falling below min_epochs.

    Examples:
        >>> steps(27, 1, 3), steps(26, 1, 3), steps(27, 3, 3)
        (3, 2, 2)

    """
    count = 0
    while min_epochs * eta ** (count + 1) <= max_epochs:
        count += 1
    return count


def bracket(starts: int, divisions: int, max_epochs: int, eta: int) -> Bracket:
    """Return the rungs of a bracket: each has 1/eta of the trials and eta times the epochs.

    Examples:
        >>> [(r.trials, r.epochs) for r in bracket(27, 3, 27, 3)]
        [(27, 1), (9, 3), (3, 9), (1, 27)]

    """
    return tuple(
        Rung(max(1, starts // eta**i), max(1, round(max_epochs / eta ** (divisions - i))))
        for i in range(divisions + 1)
    )


class SuccessiveHalving:
    """Many trials start, the best 1/eta of each rung continue (Jamieson and Talwalkar 2016).

    A rung is decided when all of its trials are done; meanwhile free slots start the next bracket,
    if there is one. Promoted trials continue from their checkpoints.

    Args:
        min_epochs: of the first rung.
        eta: one in eta trials is promoted.

    """

    needs_reports = True

    def __init__(self, min_epochs: int = 1, eta: int = 3) -> None:
        check_rungs(min_epochs, eta)
        self.min_epochs, self.eta = min_epochs, eta

    def round(self, max_epochs: int) -> list[tuple[int, int]]:
        """Return the brackets of one round: the trials that start, and the number of divisions."""
        divisions = steps(max_epochs, self.min_epochs, self.eta)
        return [(self.eta**divisions, divisions)]

    def total(self, max_epochs: int) -> int:
        """Return how many trials start in one round."""
        return sum(starts for starts, _ in self.round(max_epochs))

    def brackets(self, limit: int, max_epochs: int) -> Iterator[Bracket]:
        """Yield brackets, round after round, until `limit` trials have started."""
        while limit > 0:
            for starts, divisions in self.round(max_epochs):
                if (begun := min(starts, limit)) > 0:
                    yield bracket(begun, divisions, max_epochs, self.eta)
                limit -= begun

    def move(self, trials: "Sequence[Trial]", limit: int, max_epochs: int, mode: str) -> Move:
        """Fill the first bracket that has room; promote its best as soon as a rung is done."""
        for index, rungs in enumerate(self.brackets(limit, max_epochs)):
            own = [t for t in trials if t.notes.get("bracket") == index]
            if len(own) < rungs[0].trials:
                return StartTrial({"bracket": index, "budget": rungs[0].epochs})
            if (move := decide(own, rungs, mode)) is not None:
                return move
        return Wait() if any(t.state == "running" for t in trials) else Finished()

    def stops(self, trial: "Trial", epochs: int, trials: All, mode: str) -> bool:
        """Pause a trial at its rung."""
        return bool(epochs >= trial.notes["budget"])


class Hyperband(SuccessiveHalving):
    """Successive halving with several brackets, from many short trials to few long ones.

    Li et al. 2018, "Hyperband: a novel bandit-based approach to hyperparameter optimization".
    """

    def round(self, max_epochs: int) -> list[tuple[int, int]]:
        """Return the paper's brackets; 27, 12, 6 and 4 trials for 27 epochs and eta 3."""
        most = steps(max_epochs, self.min_epochs, self.eta)
        return [(-(-(most + 1) * self.eta**s // (s + 1)), s) for s in range(most, -1, -1)]


def decide(
    trials: "Sequence[Trial]", rungs: Bracket, mode: str
) -> ContinueTrial | PruneTrial | None:
    """Return the next move of a full bracket; None while a rung is still running."""
    for rung, above in itertools.pairwise(rungs):
        here = [t for t in trials if t.state == "running" and t.notes["budget"] == rung.epochs]
        if any(not t.paused for t in here):
            return None
        if not here:
            continue
        gone_on = sum(t.notes["budget"] > rung.epochs for t in trials)
        best = min(here, key=lambda t: _rank(t, rung.epochs, mode))
        if gone_on < above.trials:
            return ContinueTrial(best.number, above.epochs)
        return PruneTrial(here[0].number)
    return None


def _rank(trial: "Trial", epochs: int, mode: str) -> tuple[float, int]:
    value = trial.reports.get(epochs, trial.value)
    if value is None or value != value:  # never reported, or not a number
        return float("inf"), trial.number
    return (value if mode == "min" else -value), trial.number
