"""Asynchronous successive halving whose trials pause after their first fold."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from quintet.sweep.settings import check_least
from quintet.sweep.trial_schedulers import (
    All,
    ContinueTrial,
    Finished,
    Move,
    PruneTrial,
    StartTrial,
    Wait,
)
from quintet.sweep.trial_schedulers.pruners import Asha, value_at

if TYPE_CHECKING:
    from quintet.study.trial import Trial


class Finalists(Asha):
    """ASHA up to a pause; the best 1/eta of the trials that have reached it train to the end.

    This is the paper's promotion (Li et al. 2020) at a single rung: a free slot continues a paused
    trial that is among the best, or else starts a new one. In cross-validation the pause follows
    the first fold, and only finalists train the other folds.

    Args:
        min_epochs: minimum epochs of every trial.
        eta: one in eta trials continues.
        pause: epochs after which a trial pauses; 0 for ASHA alone.

    """

    def __init__(self, min_epochs: int = 1, eta: int = 3, pause: int = 0) -> None:
        super().__init__(min_epochs, eta)
        check_least("scheduler", pause=(pause, 0))
        self.pause = pause

    def move(self, trials: "Sequence[Trial]", limit: int, max_epochs: int, mode: str) -> Move:
        """Continue a finalist, or start a trial; at the end, prune the trials still waiting."""
        if not 0 < self.pause < max_epochs:
            return super().move(trials, limit, max_epochs, mode)
        best = self.finalists(trials, mode)
        if waiting := [t for t in best if t.paused]:
            return ContinueTrial(waiting[0].number, max_epochs)
        if len(trials) < limit:
            return StartTrial({"budget": self.pause})
        if any(t.state == "running" and not t.paused for t in trials):
            return Wait()
        return next((PruneTrial(t.number) for t in trials if t.paused), Finished())

    def finalists(self, trials: "Sequence[Trial]", mode: str) -> "list[Trial]":
        """Return the best 1/eta of the trials that have reached the pause, best first."""
        sign = 1 if mode == "min" else -1
        there = [
            (sign * at, t.number) for t in trials if (at := value_at(t, self.pause)) is not None
        ]
        by_number = {t.number: t for t in trials}
        return [by_number[number] for _, number in sorted(there)[: len(there) // self.eta]]

    def stops(self, trial: "Trial", epochs: int, trials: All, mode: str) -> bool:
        """Return whether a trial pauses, or is stopped before that by ASHA."""
        if trial.notes.get("budget") is None:
            return super().stops(trial, epochs, trials, mode)
        if trial.notes["budget"] > self.pause:
            return False
        return epochs >= self.pause or super().stops(trial, epochs, trials, mode)
