"""Samplers: what to try next. A suggestion depends only on seed, number and history.

A sweep that was stopped and continued therefore makes the same suggestions, and workers that share
a study never draw the same numbers.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from quintet.study.space import Params, Space
    from quintet.study.trial import Trial


class Sampler(Protocol):
    """The part of a strategy that chooses the params of each trial."""

    starts_with_defaults: bool
    """Whether trial 0 has the config's own values."""

    def total(self, space: "Space") -> int | None:
        """Return how many trials there can be; None if unlimited."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return the params of trial `number`.

        Args:
            trials: all earlier ones, including running ones.
            space: to choose from.
            number: of the trial.
            seed: of the sweep.
            mode: the metric's direction, min or max.

        """


class Grid:
    """Every combination once; the last parameter varies fastest."""

    starts_with_defaults = False

    def __init__(self) -> None:
        self._combinations: list[Params] = []

    def total(self, space: "Space") -> int:
        """Return how many combinations there are."""
        self._combinations = self._combinations or list(space.product())
        return len(self._combinations)

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return the combination of that number."""
        self.total(space)
        return self._combinations[number]


class Random:
    """Independent draws, each parameter uniform on its scale (Bergstra and Bengio 2012)."""

    starts_with_defaults = True

    def total(self, space: "Space") -> None:
        """Return None: unlimited."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return random params."""
        import numpy as np

        draws = np.random.default_rng([seed, number]).random(len(space.parameters))
        return space.at({p.key: u for p, u in zip(space.parameters, draws.tolist(), strict=True)})


class QuasiRandom:
    """Scrambled Sobol points, which fill the space more evenly than chance (Owen 1998)."""

    starts_with_defaults = True

    def total(self, space: "Space") -> None:
        """Return None: unlimited."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return the params at that position of the sequence."""
        from scipy.stats import qmc

        sequence = qmc.Sobol(len(space.parameters), scramble=True, rng=seed)
        if number:
            sequence.fast_forward(number)
        units = sequence.random(1)[0].tolist()
        return space.at({p.key: u for p, u in zip(space.parameters, units, strict=True)})
