"""A hill climber: samples near the best params so far, and sometimes anywhere."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quintet.study.space import Params, Space
    from quintet.study.trial import Trial


class NewOption:
    """Random local search (Rastrigin 1963; Spall, "Introduction to Stochastic Search", 2003).

    A sampler chooses the params of the next trial. Every parameter is a position in [0, 1] on its
    own scale (`space.at`), so that rates, widths and options are treated alike. A suggestion
    depends only on seed, number and history, so that a sweep can be stopped and continued.

    Args:
        explore: share of the trials that sample anywhere.
        spread: standard deviation of a step from the best, as a share of the range.

    """

    starts_with_defaults = True

    def __init__(self, explore: float = 0.3, spread: float = 0.1) -> None:
        self.explore, self.spread = explore, spread

    def total(self, space: "Space") -> None:
        """Return None: unlimited."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return params near the best ones, or anywhere."""
        import numpy as np

        rng = np.random.default_rng([seed, number])
        units = {p.key: rng.random() for p in space.parameters}
        best = self.best(trials, mode)
        if best is not None and rng.random() >= self.explore:
            for p in space.parameters:
                if p.key in best.params and p.ordered:
                    near = p.unit(best.params[p.key]) + self.spread * rng.standard_normal()
                    units[p.key] = min(max(near, 0.0), 1.0)
        return space.at(units)

    def best(self, trials: "Sequence[Trial]", mode: str) -> "Trial | None":
        """Return the best trial that has a value."""
        sign = 1 if mode == "max" else -1
        valued = [t for t in trials if t.state == "completed" and t.value is not None]
        return max(valued, key=lambda t: sign * (t.value or 0.0), default=None)
