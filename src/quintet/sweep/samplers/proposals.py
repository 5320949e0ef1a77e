"""Params proposed from outside: `sweeper=ask`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from quintet.study.trial import Trial
from quintet.sweep.samplers import Sampler

if TYPE_CHECKING:
    from quintet.study.space import Params, Space


class Proposals:
    """Returns what a person or an agent proposed; a model only makes suggestions.

    Args:
        model: sampler for suggestions.
        points: all proposals so far; None before the study is open.

    """

    starts_with_defaults = False

    def __init__(self, model: Sampler, points: "Sequence[Params] | None" = None) -> None:
        self.model, self.points = model, points

    def total(self, space: "Space") -> int | None:
        """Return the number of proposals; None before the study is open."""
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
        """Return what the model would try next, each as if the previous ones were running."""
        seen = list(trials)
        for number in range(len(trials), len(trials) + count):
            params = self.model.suggest(seen, space, number, seed, mode)
            seen.append(Trial(number, "running", None, params))
        return [trial.params for trial in seen[len(trials) :]]
