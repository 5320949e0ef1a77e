"""Trials ordered by their metric, and the rows of the leaderboard."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quintet.study.constraints import FEASIBLE, Constraints
from quintet.study.fronts import KEY, Objectives, front_of
from quintet.study.trial import CUT, PARTS, Trial, folder_of

COLUMNS = ("trial", "state", "value", "epochs", "seconds", "folder")
SPREAD, STEERED, FURTHER = "spread", "steered", "further"
"""Optional columns: the standard deviation of the metric over a trial's folds or seeds, what was
changed through steer.py while a trial trained, and the further metrics, a column each."""
FRONT = "front"
"""The column of a sweep with several objectives: 0 for the trials that no other dominates."""


def ranked(
    trials: Sequence[Trial], mode: str, front: Mapping[int, int] | None = None
) -> list[Trial]:
    """Return trials, best first: completed ones, pruned ones, infeasible ones, then the rest.

    What only lacked time, a paused trial or one that the sweep's limit cut short, counts with the
    completed ones. Those measured on more folds come first; then trials are ordered by their front,
    if there are several objectives, and by metric; infeasible ones by how far they are from the
    bounds.

    Args:
        trials: of a study.
        mode: min or max.
        front: of each trial by its number, as `front_of` returns it, if there are several
            objectives.

    """
    sign = 1 if mode == "min" else -1
    order = {"completed": 0, "pruned": 1, "running": 3, "failed": 4}
    front = front or {}

    def key(trial: Trial) -> tuple[int, float, int, int, float, int]:
        value = float("inf") if trial.value is None else sign * trial.value
        waits = trial.measured and (trial.paused or bool(trial.notes.get(CUT)))
        place = (0 if waits else order[trial.state]) if trial.feasible else 2
        fewer = -trial.notes.get(PARTS, 1)
        return place, trial.violation, fewer, front.get(trial.number, 0), value, trial.number

    return sorted(trials, key=key)


def rows(
    trials: Sequence[Trial],
    mode: str,
    folder: Path,
    objectives: Objectives | None = None,
    constraints: Constraints | None = None,
) -> list[dict[str, Any]]:
    """Return the leaderboard's rows, the best first.

    Args:
        trials: of a study.
        mode: min or max.
        folder: of the sweep.
        objectives: of a sweep with several.
        constraints: of a sweep with any.

    """
    front = front_of(trials, objectives or {})
    best_first = ranked(trials, mode, front)
    keys = list(dict.fromkeys(key for trial in best_first for key in trial.params))
    names = measured_names(trials, objectives, constraints)
    some = [name for name in (SPREAD, STEERED) if any(name in t.notes for t in best_first)]
    return [
        {
            "trial": trial.number,
            "state": state(trial),
            "value": trial.value,
            "epochs": trial.notes.get("epochs", 0),
            "seconds": trial.notes.get("seconds", 0.0),
            "folder": str(folder_of(folder, trial.number)),
            **{name: trial.notes.get(name) for name in some},
            **{name: measures(trial, objectives, constraints).get(name) for name in names},
            **({FRONT: front.get(trial.number)} if objectives else {}),
            **({FEASIBLE: feasible(trial)} if constraints else {}),
            **{key: trial.params.get(key) for key in keys},
        }
        for trial in best_first
    ]


def feasible(trial: Trial) -> bool | None:
    """Return whether a trial satisfies the constraints; None while unknown."""
    return trial.feasible if KEY in trial.notes else None


def measures(
    trial: Trial, objectives: Objectives | None = None, constraints: Constraints | None = None
) -> dict[str, float]:
    """Return a trial's values other than the metric: further metrics, objectives, constrained."""
    compared, traded = trial.notes.get(KEY) or {}, [*(objectives or ())]
    names = [*traded[1:], *(name for name in constraints or () if name not in traded)]
    return (trial.notes.get(FURTHER) or {}) | {name: compared.get(name) for name in names}


def measured_names(
    trials: Sequence[Trial],
    objectives: Objectives | None = None,
    constraints: Constraints | None = None,
) -> list[str]:
    """Return the names of what trials were measured by other than the metric."""
    found = (name for t in trials for name in measures(t, objectives, constraints))
    return list(dict.fromkeys(found))


def state(trial: Trial) -> str:
    """Return a trial's state as result.json names it; unfinished trials are interrupted."""
    if trial.paused:
        return "paused"
    if trial.state == "failed":
        return str(trial.notes.get("status", "failed"))
    return "interrupted" if trial.state == "running" else trial.state
