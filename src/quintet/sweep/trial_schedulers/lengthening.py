"""Short trials first, longer ones later."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from quintet.sweep.settings import check_least
from quintet.sweep.trial_schedulers import All, Finished, Move, StartTrial, Wait

if TYPE_CHECKING:
    from quintet.study.trial import Trial


class Lengthening:
    """The trials of each round train twice as long as those of the round before.

    A round starts when the one before is done, since it uses its results. The trials of the last
    round train to the end, and only they can win.

    Args:
        each: trials in a round.
        rounds: the last one has no upper limit of trials.

    """

    needs_reports = True

    def __init__(self, each: int = 10, rounds: int = 3) -> None:
        check_least("scheduler", each=(each, 1), rounds=(rounds, 1))
        self.each, self.rounds = each, rounds

    def total(self, max_epochs: int) -> int:
        """Return the number of trials of all rounds."""
        return self.each * self.rounds

    def epochs(self, number: int, max_epochs: int) -> int:
        """Return how many epochs a trial trains."""
        later = self.rounds - 1 - min(number // self.each, self.rounds - 1)
        return max(1, max_epochs >> later)

    def move(self, trials: "Sequence[Trial]", limit: int, max_epochs: int, mode: str) -> Move:
        """Start trials; the first of a round waits for all earlier ones."""
        number = len(trials)
        if number >= limit:
            return Finished()
        first_of_round = number % self.each == 0 and number // self.each < self.rounds
        if first_of_round and any(t.state == "running" for t in trials):
            return Wait()
        return StartTrial({"ends_at": self.epochs(number, max_epochs)})

    def stops(self, trial: "Trial", epochs: int, trials: All, mode: str) -> bool:
        """Stop a trial at its round's length."""
        return bool(epochs >= trial.notes["ends_at"])
