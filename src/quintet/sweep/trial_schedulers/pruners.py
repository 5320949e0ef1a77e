"""Asynchronous schedulers: trials are stopped early, and no trial waits for another.

The rules of the first two are those of Optuna's pruners. Those read the report from the storage and
write their decision to it; a kill between the two writes changes the next answer. Hence these.
"""

from collections.abc import Callable, Sequence
from copy import copy
from statistics import median
from typing import TYPE_CHECKING

from quintet.base.errors import Code, UserError
from quintet.sweep.optuna_trials import frozen
from quintet.sweep.settings import check_least
from quintet.sweep.trial_schedulers import All, Asynchronous, check_rungs

if TYPE_CHECKING:
    import optuna

    from quintet.study.trial import Trial

EARLIEST = 9
"""The first rung of trials with a learning-rate schedule, as a divisor of their length."""
KEEPS_RUNGS = ("SuccessiveHalvingPruner", "HyperbandPruner")
"""Pruners that keep their rungs in attributes of trials, which are not there the next time."""


class Asha(Asynchronous):
    """Asynchronous successive halving (Li et al. 2020): at each rung the best 1/eta continue.

    Rungs are at min_epochs, min_epochs * eta, ... A trial is compared with those that have reached
    the rung so far, so the first ones pass easily; in return, no trial waits.

    Args:
        min_epochs: minimum epochs of every trial; None for 1 or, with a learning-rate schedule, a
            ninth of the length: one that begins with low rates is poor at first
            (`benchmarks/fair.py`).
        eta: one in eta trials continues.
        within: a parameter; a trial is compared only with those that have the same value of it.
            Learning-rate schedules differ in how early they reach a good value.

    """

    needs_reports = True

    def __init__(
        self, min_epochs: int | None = None, eta: int = 3, within: str | None = None
    ) -> None:
        check_rungs(1 if min_epochs is None else min_epochs, eta)
        self.min_epochs, self.eta, self.within = min_epochs, eta, within

    def fitted(self, epochs: int, *, scheduled: bool) -> "Asha":
        """Return a copy whose first rung suits trials of a length.

        Args:
            epochs: of a trial that is not stopped, in one of its folds.
            scheduled: whether any of them has a learning-rate schedule.

        """
        fitting = copy(self)
        fitting.min_epochs = self.min_epochs or (max(1, epochs // EARLIEST) if scheduled else 1)
        return fitting

    def stops(self, trial: "Trial", epochs: int, trials: All, mode: str) -> bool:
        """Return whether the trial is not among the best 1/eta of a rung it has just reached."""
        if not (rungs := self.reached(trial, epochs)):
            return False
        value = trial.reports[epochs]
        others = [t for t in trials() if t.number != trial.number and self.comparable(t, trial)]
        for rung in rungs:
            known = [at for t in others if (at := value_at(t, rung)) is not None]
            if value != value or not self.is_promoted(value, known, mode):
                return True
        return False

    def reached(self, trial: "Trial", epochs: int) -> list[int]:
        """Return the rungs that this report is the first to reach."""
        before = max((e for e in trial.reports if e < epochs), default=0)
        rungs, rung = [], self.min_epochs or 1
        while rung <= epochs:
            rungs += [rung] if rung > before else []
            rung *= self.eta
        return rungs

    def comparable(self, one: "Trial", other: "Trial") -> bool:
        """Return whether two trials are compared."""
        return self.within is None or one.params.get(self.within) == other.params.get(self.within)

    def is_promoted(self, value: float, others: Sequence[float], mode: str) -> bool:
        """Return whether a value is among the best 1/eta; among fewer than eta, the best."""
        ranked = sorted([*others, value], reverse=mode == "max")
        worst = ranked[max(len(ranked) // self.eta, 1) - 1]
        return value >= worst if mode == "max" else value <= worst


def value_at(trial: "Trial", rung: int) -> float | None:
    """Return the metric of the first report at or after a rung; None if there is none."""
    epochs = min((e for e in trial.reports if e >= rung), default=None)
    value = None if epochs is None else trial.reports[epochs]
    return None if value != value else value


class Median(Asynchronous):
    """Stop a trial whose best value so far is worse than the median of the others at that epoch.

    Golovin et al. 2017, "Google Vizier".

    Args:
        startup: number of completed trials before any is stopped.
        min_epochs: minimum epochs of every trial.

    """

    needs_reports = True

    def __init__(self, startup: int = 5, min_epochs: int = 1) -> None:
        check_least("scheduler", startup=(startup, 0), min_epochs=(min_epochs, 0))
        self.startup, self.min_epochs = startup, min_epochs

    def stops(self, trial: "Trial", epochs: int, trials: All, mode: str) -> bool:
        """Return whether the trial is worse than the median of the completed ones."""
        if epochs < self.min_epochs:
            return False
        ended = [t for t in trials() if t.state == "completed"]
        if len(ended) < max(1, self.startup):
            return False
        own = [value for value in trial.reports.values() if value == value]
        if not own:
            return True
        theirs = [v for t in ended if (v := t.reports.get(epochs)) is not None and v == v]
        if not theirs:
            return False
        return max(own) < median(theirs) if mode == "max" else min(own) > median(theirs)


class OptunaPruner(Asynchronous):
    """Any pruner of Optuna, of OptunaHub or a custom one, by its import path.

    It is asked on a copy of the trials with their values and reports, so a decision depends on
    nothing else. Optuna's successive halving and Hyperband keep their rungs elsewhere and are
    refused; `scheduler=asha` and `scheduler=hyperband` are ours.

    Args:
        make: returns an `optuna.pruners.BasePruner`.

    Raises:
        UserError: the pruner is one of those two.

    """

    needs_reports = True

    def __init__(self, make: "Callable[[], optuna.pruners.BasePruner]") -> None:
        from quintet.study.study import quiet_optuna

        quiet_optuna()
        self.pruner = make()
        if (name := type(self.pruner).__name__) in KEEPS_RUNGS:
            raise UserError(
                "keeps its rungs in attributes of trials, and would compare nothing here",
                code=Code.INCOMPATIBLE,
                key="sweeper.scheduler.make._target_",
                value=name,
                hint="Choose sweeper/scheduler=asha or sweeper/scheduler=hyperband",
            )

    def stops(self, trial: "Trial", epochs: int, trials: All, mode: str) -> bool:
        """Return whether the pruner would prune the trial."""
        from quintet.study.study import DIRECTIONS, quiet_optuna

        study = quiet_optuna().create_study(direction=DIRECTIONS[mode], pruner=self.pruner)
        others = [t for t in trials() if t.number != trial.number and t.state != "failed"]
        together = frozen(sorted([*others, trial], key=lambda t: t.number))
        study.add_trials(together)
        own = next(t for t in together if t.number == trial.number)
        return bool(self.pruner.prune(study, own))
