"""Stop what does not keep up, by Optuna's pruners; nobody ever waits."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from quintet.errors import UserError
from quintet.sweep.schedulers import Begin, Finished, Move, check_rungs

if TYPE_CHECKING:
    from quintet.sweep.study import Study, Trial


class Asha:
    """Asynchronous successive halving (Li et al. 2020): at each rung the best 1/eta go on.

    Rungs are at min_epochs, min_epochs * eta, ... A trial is compared with whoever has reached its
    rung so far, so the first ones pass easily; that is the price of never waiting.

    Args:
        min_epochs: that every trial gets.
        eta: one of so many goes on.

    """

    watches = True

    def __init__(self, min_epochs: int = 1, eta: int = 3) -> None:
        check_rungs(min_epochs, eta)
        self.min_epochs, self.eta = min_epochs, eta

    def total(self, max_epochs: int) -> None:
        """Return None: `n_trials` says it."""

    def move(self, trials: "Sequence[Trial]", limit: int, max_epochs: int, mode: str) -> Move:
        """Begin trials until there are enough."""
        return Begin() if len(trials) < limit else Finished()

    def stops(self, study: "Study", trial: "Trial", epochs: int, max_epochs: int) -> bool:
        """Ask whether the trial is among the best 1/eta of its rung."""
        from optuna.pruners import SuccessiveHalvingPruner

        pruner = SuccessiveHalvingPruner(
            min_resource=self.min_epochs, reduction_factor=self.eta, min_early_stopping_rate=0
        )
        return study.should_prune(pruner, trial.number)


class Median:
    """Stop a trial whose best P so far is worse than the median of the others at that epoch.

    Golovin et al. 2017, "Google Vizier".

    Args:
        startup: trials that must have ended first.
        min_epochs: that every trial gets.

    """

    watches = True

    def __init__(self, startup: int = 5, min_epochs: int = 1) -> None:
        if startup < 0 or min_epochs < 0:
            raise UserError(
                f"sweeper.scheduler: startup={startup}, min_epochs={min_epochs}. Allowed: both "
                "from 0 on."
            )
        self.startup, self.min_epochs = startup, min_epochs

    def total(self, max_epochs: int) -> None:
        """Return None: `n_trials` says it."""

    def move(self, trials: "Sequence[Trial]", limit: int, max_epochs: int, mode: str) -> Move:
        """Begin trials until there are enough."""
        return Begin() if len(trials) < limit else Finished()

    def stops(self, study: "Study", trial: "Trial", epochs: int, max_epochs: int) -> bool:
        """Ask whether the trial has fallen behind the median."""
        from optuna.pruners import MedianPruner

        pruner = MedianPruner(n_startup_trials=self.startup, n_warmup_steps=self.min_epochs)
        return study.should_prune(pruner, trial.number)
