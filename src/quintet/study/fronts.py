"""Several objectives: trials are compared by which others are better in everything.

With `objectives={f1: max, parameters: min}` there is no single best trial but a front: the trials
for which no other is at least as good in all objectives and better in one. Trials are ordered by
non-dominated sorting, and within a front by crowding distance (Deb et al. 2002, "A fast and elitist
multiobjective genetic algorithm: NSGA-II"). Samplers and schedulers see a trial's position in this
order in place of the metric, so each of them works with several objectives as with one; for
successive halving this is the rule of Schmucker et al. 2021, "Multi-objective asynchronous
successive halving". Where a sweep has constraints, feasible trials come first.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from quintet.study.constraints import Constraints, violation
from quintet.study.optuna_internals import ranks
from quintet.study.trial import Trial

Objectives = Mapping[str, str]
"""The direction, min or max, of each objective by name; the metric is the first."""
KEY = "objectives"
"""A trial's note of its objectives and constrained measures, and the field of a study's spec."""
AT = "objectives_at_"
"""A trial's note of the same at a report, and the number of epochs."""


def losses(trials: Sequence[Mapping[str, float]], objectives: Objectives) -> np.ndarray:
    """Return objectives as an array (trials, objectives), each the smaller the better."""
    signs = [1 if mode == "min" else -1 for mode in objectives.values()]
    return np.array([[each[name] for name in objectives] for each in trials], float) * signs


def fronts(points: np.ndarray) -> np.ndarray:
    """Return the front of each point: 0 for those that no other dominates, 1 for the next ...

    Args:
        points: (points, objectives), each the smaller the better. NaN is worse than any number.

    Examples:
        >>> fronts(np.array([[1, 4], [2, 2], [3, 3], [4, 1]])).tolist()
        [0, 0, 1, 0]

    """
    return ranks(np.nan_to_num(points, nan=np.inf, posinf=np.inf, neginf=-np.inf))


def crowding(points: np.ndarray) -> np.ndarray:
    """Return the distance of each point of a front to its neighbours; its ends are infinitely far.

    Args:
        points: (points, objectives) of one front.

    """
    distance = np.zeros(len(points))
    for values in points.T:
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        distance[order[[0, -1]]] = np.inf
        if (width := ordered[-1] - ordered[0]) > 0 and np.isfinite(width):
            distance[order[1:-1]] += (ordered[2:] - ordered[:-2]) / width
    return distance


def positions(points: np.ndarray) -> np.ndarray:
    """Return a number for each point that orders all of them: its front plus a fraction below 1."""
    order = fronts(points).astype(float)
    for front in np.unique(order):
        (here,) = np.nonzero(order == front)
        lonely_first = np.argsort(-crowding(points[here]), kind="stable")
        order[here[lonely_first]] += np.arange(len(here)) / len(here)
    return order


def scalarised(
    trials: Sequence[Trial], objectives: Objectives, constraints: Constraints | None = None
) -> list[Trial]:
    """Return trials whose values and reports are positions in the order; the smaller the better.

    Final values are compared with final values, and reports with those after as many epochs.
    """
    bounds = constraints or {}
    known = [t for t in trials if t.value is not None and KEY in t.notes]
    values = _positions([t.notes[KEY] for t in known], objectives, bounds)
    value = dict(zip((t.number for t in known), values, strict=True))
    told = {t.number: reported(t, objectives) for t in trials}
    reports: dict[int, dict[int, float]] = {t.number: {} for t in trials}
    for epochs in {e for of_trial in told.values() for e in of_trial}:
        here = {number: of_trial[epochs] for number, of_trial in told.items() if epochs in of_trial}
        found = _positions([*here.values()], objectives, bounds)
        for number, position in zip(here, found, strict=True):
            reports[number][epochs] = position
    return [replace(t, value=value.get(t.number), reports=reports[t.number]) for t in trials]


def _positions(
    values: Sequence[Mapping[str, float]], objectives: Objectives, constraints: Constraints
) -> list[float]:
    if not values:
        return []
    broken = np.array([violation(each, constraints) for each in values])
    found, feasible = np.zeros(len(values)), broken == 0
    points = losses(values, objectives)
    if feasible.any():
        found[feasible] = positions(points[feasible])
    if not feasible.all():
        found[~feasible] = len(values) + positions(broken[~feasible, None])
    return [*map(float, found)]


def note(epochs: int, values: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return a trial's note of its objectives at a report."""
    return {f"{AT}{epochs}": dict(values)}


def reported(trial: Trial, objectives: Objectives) -> dict[int, dict[str, float]]:
    """Return a trial's objectives by the number of epochs of its reports; those unknown are NaN."""
    kept = {epochs: trial.notes.get(f"{AT}{epochs}") for epochs in trial.reports}
    unknown = dict.fromkeys(objectives, math.nan)
    return {epochs: unknown | values for epochs, values in kept.items() if values is not None}


def front_of(trials: Sequence[Trial], objectives: Objectives) -> dict[int, int]:
    """Return the front of each feasible trial that has all objectives, by its number.

    Completed trials are compared with completed ones, pruned ones with pruned ones; {} without
    objectives.
    """
    found: dict[int, int] = {}
    if not objectives:
        return found
    for state in ("completed", "pruned"):
        here = [t for t in trials if t.state == state and t.feasible and KEY in t.notes]
        if here:
            of = fronts(losses([t.notes[KEY] for t in here], objectives))
            found |= dict(zip((t.number for t in here), map(int, of), strict=True))
    return found
