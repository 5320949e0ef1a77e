"""Population-based training: the worst members continue from the best, slightly perturbed."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from quintet.artifacts.csv_cells import NUMBER
from quintet.artifacts.steering_files import NUMBERS
from quintet.base.errors import Code, UserError
from quintet.study.space import Interval
from quintet.sweep.settings import check_least
from quintet.sweep.trial_schedulers import (
    All,
    ContinueTrial,
    Finished,
    Move,
    StartTrial,
    Wait,
)
from quintet.training.training_steps import repeats

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from quintet.study.space import Parameter, Space
    from quintet.study.trial import Trial


class PopulationBased:
    """Population-based training.

    Jaderberg et al. 2017, "Population based training of neural networks".

    The members of a population train for `interval` epochs and wait for each other. Then each of
    the worst copies the run of one of the best (truncation selection), including its checkpoint,
    and continues it with perturbed hyperparameters; see `quintet.sweep.inheritance`. The result is
    a schedule of hyperparameters, at the cost of training one population to the end.

    Args:
        population: number of members; a larger `n_trials` trains several populations in turn.
        interval: epochs between two selections; None for a tenth of a trial's epochs.
        fraction: share of the members that are replaced, and of those that may replace them.
        seed: of the choice among the best.

    """

    needs_reports = True

    def __init__(
        self,
        population: int = 8,
        interval: int | None = None,
        fraction: float = 0.25,
        seed: int = 0,
    ) -> None:
        least = {"population": (population, 2)}
        check_least("scheduler", **least, interval=(1 if interval is None else interval, 1))
        if not 0 < fraction <= 0.5:
            raise UserError(
                "is out of range",
                code=Code.OUT_OF_RANGE,
                key="sweeper.scheduler.fraction",
                value=fraction,
                hint="Allowed: above 0, up to 0.5",
            )
        self.population, self.interval, self.fraction = population, interval, fraction
        self.seed = seed

    def total(self, max_epochs: int) -> int:
        """Return the number of members of one population."""
        return self.population

    def epochs(self, max_epochs: int) -> int:
        """Return the number of epochs between two selections."""
        return self.interval or max(1, round(max_epochs / 10))

    def move(self, trials: "Sequence[Trial]", limit: int, max_epochs: int, mode: str) -> Move:
        """Start the members, then continue those of the first waiting population."""
        budget = min(self.epochs(max_epochs), max_epochs)
        for first in range(0, limit, self.population):
            size = min(self.population, limit - first)
            if len(members := trials[first : first + size]) < size:
                return StartTrial({"budget": budget})
            if (move := self.continued(members, max_epochs, mode)) is not None:
                return move
        return Wait() if any(t.state == "running" for t in trials) else Finished()

    def continued(
        self, members: "Sequence[Trial]", max_epochs: int, mode: str
    ) -> ContinueTrial | None:
        """Return the next member to continue; None while others have not reached their selection.

        Replaced members come first, while their sources still wait at the same epoch.
        """
        alive = [t for t in members if t.state == "running"]
        at = min((t.notes["budget"] for t in alive), default=0)
        waiting = [t for t in alive if t.notes["budget"] == at]
        if not waiting or not all(t.paused for t in waiting):
            return None
        budget = min(at + self.epochs(max_epochs), max_epochs)
        compared = [t for t in members if t in waiting or t.notes["budget"] > at]
        for number, source in self.replacements(compared, at, mode).items():
            if any(t.number == number for t in waiting):
                return ContinueTrial(number, budget, source)
        return ContinueTrial(waiting[0].number, budget)

    def replacements(self, members: "Sequence[Trial]", at: int, mode: str) -> dict[int, int]:
        """Return the source of each replaced member at a selection, by number."""
        sign = 1 if mode == "min" else -1
        scores = {
            t.number: sign * value if math.isfinite(value) else math.inf
            for t in members
            if (value := t.reports.get(at)) is not None
        }
        order = sorted(scores, key=lambda number: (scores[number], number))
        count = min(max(1, int(len(order) * self.fraction)), len(order) // 2)
        found = {}
        for number in order[len(order) - count :]:
            chosen = random.Random(f"{self.seed}-{at}-{number}").choice(order[:count])
            if scores[chosen] < scores[number]:
                found[number] = chosen
        return found

    def stops(self, trial: "Trial", epochs: int, trials: All, mode: str) -> bool:
        """Pause a member at its next selection."""
        return bool(epochs >= trial.notes["budget"])


def check(scheduler: object, space: "Space", config: "DictConfig") -> None:
    """Refuse population-based training in which nothing could be perturbed.

    Args:
        scheduler: of the sweep.
        space: of the sweep.
        config: of a trial.

    Raises:
        UserError: no parameter can change during training, or the trials cannot be steered.

    """
    if not isinstance(scheduler, PopulationBased):
        return
    if not any(p.key in NUMBERS for p in space.parameters):
        raise UserError(
            "changes hyperparameters during training, and this sweep varies none that can change",
            code=Code.CONFLICT,
            key="sweeper.scheduler",
            value="pbt",
            hint="Vary one of " + ", ".join(_changeable()) + ", or choose sweeper=asha",
        )
    if any(p.key == "optimizer.lr" and _reaches_zero(p) for p in space.parameters):
        raise UserError(
            "is changed by factors during training, which leave a rate of 0 as it is",
            code=Code.OUT_OF_RANGE,
            key="optimizer.lr",
            value=0,
            hint="Vary it above 0, for example optimizer.lr=interval(1e-4,1e-1)",
        )
    if repeats(config) > 1:
        raise UserError(
            "trains several models in a trial, and population-based training continues one",
            code=Code.CONFLICT,
            key="cv",
            value=dict(config.cv),
            hint="Leave it out, or choose sweeper=asha",
        )
    if not config.callbacks.get("steering"):
        raise UserError(
            "is switched off, and population-based training changes hyperparameters by it",
            code=Code.CONFLICT,
            key="callbacks.steering",
            value="null",
            hint="Leave it on",
        )
    _check_momentum(space, config)


def _reaches_zero(parameter: "Parameter") -> bool:
    if isinstance(parameter, Interval):
        return parameter.low <= 0
    return any(float(each) <= 0 for each in parameter.values if NUMBER.fullmatch(each))


def _check_momentum(space: "Space", config: "DictConfig") -> None:
    schedule: Mapping[str, object] = config.get("scheduler") or {}
    if schedule.get("cycle_momentum") and any(
        p.key.endswith(".momentum") for p in space.parameters
    ):
        raise UserError(
            "changes the momentum, which this sweep varies",
            code=Code.CONFLICT,
            key="scheduler.cycle_momentum",
            value="true",
            hint="Set scheduler.cycle_momentum=false, or leave optimizer.momentum out",
        )


def _changeable() -> list[str]:
    return [key for key in NUMBERS if not key.endswith("_factor")]
