"""Trials ordered by their metric, and the rows of the leaderboard."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quintet.study.trial import Trial, folder_of

COLUMNS = ("trial", "state", "value", "epochs", "seconds", "folder")
SPREAD, STEERED, FURTHER = "spread", "steered", "further"
"""Optional columns: the standard deviation of the metric over a trial's folds or seeds, what was
changed through steer.py while a trial trained, and the further metrics, a column each."""


def ranked(trials: Sequence[Trial], mode: str) -> list[Trial]:
    """Return trials, best first: completed ones, pruned ones, then the rest."""
    sign = 1 if mode == "min" else -1
    order = {"completed": 0, "pruned": 1, "running": 2, "failed": 3}

    def key(trial: Trial) -> tuple[int, float, int]:
        value = float("inf") if trial.value is None else sign * trial.value
        return order[trial.state], value, trial.number

    return sorted(trials, key=key)


def rows(trials: Sequence[Trial], mode: str, folder: Path) -> list[dict[str, Any]]:
    """Return the leaderboard's rows, the best first.

    Args:
        trials: of a study.
        mode: min or max.
        folder: of the sweep.

    """
    best_first = ranked(trials, mode)
    keys = list(dict.fromkeys(key for trial in best_first for key in trial.params))
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
            **{name: (trial.notes.get(FURTHER) or {}).get(name) for name in further_names(trials)},
            **{key: trial.params.get(key) for key in keys},
        }
        for trial in best_first
    ]


def further_names(trials: Sequence[Trial]) -> list[str]:
    """Return the names of the further metrics that trials were measured by."""
    return list(dict.fromkeys(name for t in trials for name in t.notes.get(FURTHER) or {}))


def state(trial: Trial) -> str:
    """Return a trial's state as result.json names it; unfinished trials are interrupted."""
    if trial.paused:
        return "paused"
    if trial.state == "failed":
        return str(trial.notes.get("status", "failed"))
    return "interrupted" if trial.state == "running" else trial.state
