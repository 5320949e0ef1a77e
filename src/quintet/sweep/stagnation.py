"""When a sweep stops by itself: the best value has stopped improving (`sweeper.stop=auto`).

The rule was chosen on eight public tables and confirmed on seven more, see `benchmarks/stop.py`.
Optuna's terminators fit a Gaussian process after each trial; this rule only compares values.
"""

from bisect import insort
from collections.abc import Sequence

from quintet.study.study import Study
from quintet.study.trial import Trial
from quintet.sweep.plan import Plan

LEAST = 30
"""Completed trials before a sweep may stop, and trials without a gain after which it does ..."""
SHARE = 0.5
"""... or this share of all, whichever is more."""
GAIN = 0.01
"""A gain is more than this share of the distance between the best and the median trial."""


def stagnates(values: Sequence[float], mode: str) -> bool:
    """Return whether the best of a sweep's values has stopped improving.

    Args:
        values: of the metric, in the order of the trials.
        mode: its direction, min or max.

    Examples:
        >>> stagnates([0.5, 0.9] + [0.4] * 29, "max"), stagnates([0.5, 0.9] + [0.4] * 30, "max")
        (False, True)

    """
    return len(values) >= LEAST and since(values, mode) >= max(LEAST, SHARE * len(values))


def since(values: Sequence[float], mode: str) -> int:
    """Return how many trials there are since the last gain."""
    losses = [value if mode == "min" else -value for value in values]
    best, at, ranked = losses[0], 0, list[float]()
    for number, loss in enumerate(losses):
        insort(ranked, loss)
        if best - loss > GAIN * (ranked[number // 2] - loss):
            best, at = loss, number
    return len(losses) - 1 - at


def stops(plan: Plan, trials: Sequence[Trial]) -> bool:
    """Return whether a sweep that is to stop by itself starts no more trials."""
    return plan.settings.get("stop") == "auto" and stagnates(completed(trials), plan.mode)


def why(plan: Plan, study: Study, total: int) -> str:
    """Return why a sweep has ended before all of its trials; empty if it has not."""
    trials = study.trials()
    if len(trials) >= total or not stops(plan, trials):
        return ""
    values = completed(trials)
    return (
        f"after {len(trials)} of {total} trials: none of the last {since(values, plan.mode)} that "
        f"completed gained more than {GAIN:.0%} of the distance between best and median "
        "(sweeper.stop=auto)"
    )


def completed(trials: Sequence[Trial]) -> list[float]:
    """Return the values of the feasible trials that were trained to their end."""
    ended = (t for t in trials if t.state == "completed" and t.feasible)
    return [t.value for t in ended if t.value is not None]
