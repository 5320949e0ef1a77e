"""What to try next. A suggestion depends on seed, number and history alone.

So a sweep that was stopped and goes on suggests what it would have suggested anyway, and workers
that share a study never draw the same numbers.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from quintet.study.space import Params, Space
    from quintet.study.trial import Trial


class Sampler(Protocol):
    """A strategy's first half: where to look."""

    starts_with_defaults: bool
    """Whether trial 0 takes the config's own values."""

    def total(self, space: "Space") -> int | None:
        """Return how many trials there can be; None where there is no end."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return the point of trial `number`.

        Args:
            trials: all earlier ones, running ones among them.
            space: to choose from.
            number: of the trial.
            seed: of the sweep.
            mode: P's direction.

        """


class Grid:
    """Every combination, once, the last parameter turning fastest."""

    starts_with_defaults = False

    def __init__(self) -> None:
        self._points: list[Params] = []

    def total(self, space: "Space") -> int:
        """Return how many combinations there are."""
        self._points = self._points or list(space.product())
        return len(self._points)

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return the combination of that number."""
        self.total(space)
        return self._points[number]


class Random:
    """Independent draws, each parameter uniform on its scale (Bergstra and Bengio 2012)."""

    starts_with_defaults = True

    def total(self, space: "Space") -> None:
        """Return None: there is no end."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return a random point."""
        import numpy as np

        draws = np.random.default_rng([seed, number]).random(len(space.parameters))
        return space.at({p.key: u for p, u in zip(space.parameters, draws.tolist(), strict=True)})


class QuasiRandom:
    """Scrambled Sobol points, which fill the space more evenly than chance (Owen 1998)."""

    starts_with_defaults = True

    def total(self, space: "Space") -> None:
        """Return None: there is no end."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return the sequence's point of that number."""
        from scipy.stats import qmc

        sequence = qmc.Sobol(len(space.parameters), scramble=True, rng=seed)
        if number:
            sequence.fast_forward(number)
        units = sequence.random(1)[0].tolist()
        return space.at({p.key: u for p, u in zip(space.parameters, units, strict=True)})
