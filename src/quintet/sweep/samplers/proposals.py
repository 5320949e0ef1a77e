"""Params that come from outside, one after the other: `sweeper=ask`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from quintet.study.trial import Trial
from quintet.sweep.samplers import Sampler

if TYPE_CHECKING:
    from quintet.study.space import Params, Space


class Proposals:
    """What a person or an agent proposes; a model suggests, but decides nothing.

    Args:
        model: what suggests params when it is asked to.
        points: all that have been proposed so far; None before the study is open.

    """

    starts_with_defaults = False

    def __init__(self, model: Sampler, points: "Sequence[Params] | None" = None) -> None:
        self.model, self.points = model, points

    def total(self, space: "Space") -> int | None:
        """Return how many have been proposed; None before the study is open."""
        return None if self.points is None else len(self.points)

    def suggest(
        self, trials: Sequence[Trial], space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return the proposal of that number."""
        if self.points is None:
            return self.model.suggest(trials, space, number, seed, mode)
        return dict(self.points[number])

    def suggestions(
        self, trials: Sequence[Trial], space: "Space", count: int, seed: int, mode: str
    ) -> "list[Params]":
        """Return what the model would try next, each as if those before it were running."""
        seen = list(trials)
        for number in range(len(trials), len(trials) + count):
            params = self.model.suggest(seen, space, number, seed, mode)
            seen.append(Trial(number, "running", None, params))
        return [trial.params for trial in seen[len(trials) :]]
