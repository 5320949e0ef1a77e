"""The leaderboard: the winner, the ranking, and the importance of each parameter."""

import warnings
from typing import TYPE_CHECKING, Any

from quintet.artifacts import csv_cells
from quintet.base.files import write_atomically
from quintet.base.formatting import rounded
from quintet.study import fronts, ranking
from quintet.study.ranking import STEERED
from quintet.study.space import Interval, Space
from quintet.study.study import Study
from quintet.study.trial import SOURCES, Trial

if TYPE_CHECKING:
    import optuna

FILE = "leaderboard.csv"
EDGE = 0.05
"""Share of a range that counts as its edge."""
ENOUGH = 10
"""Minimum number of trials with a value for importance to be computed: of fewer, it is chance."""
GOOD = 8
"""Number of best trials that importance is measured on, or a tenth of all if that is more."""

SENSITIVITY = {
    **dict.fromkeys(("optimizer.lr", "scheduler", "loss", "model.width"), "high"),
    **dict.fromkeys(("init", "model.depth", "model.dropout", "model.batch_norm"), "medium"),
    "optimizer.weight_decay": "medium",
    **dict.fromkeys(("optimizer", "optimizer.momentum", "optimizer.betas"), "low"),
    **dict.fromkeys(("optimizer.eps", "data.batch_size", "model.activation"), "low"),
}
"""How much the metric usually depends on a parameter; reports show it next to the measured
share."""


def ranked(study: Study) -> list[Trial]:
    """Return all trials, best first: completed ones, pruned ones, then the rest."""
    trials = study.trials()
    return ranking.ranked(trials, study.mode, fronts.front_of(trials, study.objectives))


def winner(study: Study) -> Trial | None:
    """Return the best trial; None if none has a value and satisfies the constraints."""
    best = next(iter(ranked(study)), None)
    return best if best and best.can_win else None


def front(study: Study) -> list[Trial]:
    """Return the completed trials that no other one dominates, best metric first."""
    trials = study.trials()
    found = fronts.front_of(trials, study.objectives)
    best_first = ranking.ranked(trials, study.mode, found)
    return [t for t in best_first if t.state == "completed" and found.get(t.number) == 0]


def rows(study: Study) -> list[dict[str, Any]]:
    """Return the leaderboard's rows, the best first."""
    trials, bounds = study.trials(), study.constraints
    return ranking.rows(trials, study.mode, study.folder, study.objectives, bounds)


def save(study: Study) -> None:
    """Write leaderboard.csv."""
    table = rows(study)
    write_atomically(
        study.folder / FILE, csv_cells.table([*table[0]] if table else ranking.COLUMNS, table)
    )


def steering_warnings(study: Study) -> list[str]:
    """Return a warning for each steered trial: its params alone do not reproduce its value.

    In population-based training nearly all are; only the winner's changes are reported.
    """
    best = winner(study)
    return [
        f"Trial {trial.number} was {how} while it trained: {trial.notes[STEERED]}."
        for trial in study.trials()
        if STEERED in trial.notes and (SOURCES not in trial.notes or trial == best)
        for how in ["changed by population-based training" if SOURCES in trial.notes else STEERED]
    ]


def edge_warnings(best: Trial, space: Space) -> list[str]:
    """Return a warning for each best value at an end of its range; better ones may lie outside.

    An end at 0 is skipped: dropout, momentum and weight decay cannot be negative.
    """
    found = []
    for parameter in space.parameters:
        key, value = parameter.key, best.params.get(parameter.key)
        if not isinstance(parameter, Interval) or value is None or not parameter.contains(value):
            continue
        place = parameter.unit(value)
        if place < EDGE or place > 1 - EDGE:
            end, towards = (parameter.low, "lower") if place < EDGE else (parameter.high, "higher")
            if end == 0:
                continue
            found.append(
                f"The best {key}={rounded(value)} is at the edge of its range ({end:g}): "
                f"try {towards} values as well."
            )
    return found


def importance(study: Study) -> dict[str, float]:
    """Return each parameter's share of the metric's variation (PED-ANOVA, Watanabe et al. 2023).

    Pruned trials count with their last value: a parameter that gets trials pruned matters, and
    without them a sweep that prunes has few trials to compare. Only parameters that every trial has
    are compared; {} if there is too little to compare.
    """
    ended = [t for t in study.trials() if t.state in ("completed", "pruned")]
    numbers = {t.number: t.value for t in ended if t.value is not None}
    if len(numbers) < ENOUGH or len({*numbers.values()}) < 2:
        return {}
    if len(set.intersection(*(set(t.params) for t in ended))) < 2:
        return {}
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    good = max(0.1, min(0.5, GOOD / len(numbers)))
    evaluator = PedAnovaImportanceEvaluator(target_quantile=good)
    try:
        with warnings.catch_warnings():  # about values that few trials have
            warnings.simplefilter("ignore")
            return dict(get_param_importances(_ended(study, numbers), evaluator=evaluator))
    except (RuntimeError, ValueError):
        return {}


def _ended(study: Study, values: dict[int, float]) -> "optuna.Study":
    """Return an in-memory study of the trials in `values`, each completed with that value."""
    import optuna
    from optuna.trial import TrialState, create_trial

    copy = optuna.create_study(direction=study.optuna.direction)
    for t in study.optuna.get_trials(deepcopy=False):
        if t.number in values:
            kept = {"params": t.params, "distributions": t.distributions}
            ended = create_trial(state=TrialState.COMPLETE, value=values[t.number], **kept)
            copy.add_trial(ended)
    return copy
