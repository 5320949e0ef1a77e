"""Coarse-to-fine search: a wide range first, then narrower ones around the best."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from quintet.base.errors import Code, UserError
from quintet.sweep.settings import check_least

if TYPE_CHECKING:
    from quintet.study.space import Params, Space
    from quintet.study.trial import Trial


class CoarseToFine:
    """Random search in a box that shrinks around the best params, round by round (Ng 2017).

    Options are drawn from those of the best few trials once the first round is over. The scheduler
    of the same name trains the coarse rounds for fewer epochs.

    Args:
        each: trials in a round.
        rounds: the last one has no upper limit of trials.
        shrink: the box's width, relative to the round before.
        few: number of best trials whose options are kept.

    """

    starts_with_defaults = True

    def __init__(self, each: int = 10, rounds: int = 3, shrink: float = 0.4, few: int = 3) -> None:
        check_least("sampler", each=(each, 1), rounds=(rounds, 1), few=(few, 1))
        if not 0 < shrink < 1:
            raise UserError(
                "is out of range",
                code=Code.OUT_OF_RANGE,
                key="sweeper.sampler.shrink",
                value=shrink,
                hint="Allowed: a number between 0 and 1",
            )
        self.each, self.rounds, self.shrink, self.few = each, rounds, shrink, few

    def total(self, space: "Space") -> None:
        """Return None: unlimited."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return random params within this round's box."""
        import numpy as np

        draws = np.random.default_rng([seed, number]).random(len(space.parameters)).tolist()
        units = {p.key: u for p, u in zip(space.parameters, draws, strict=True)}
        turn = min(number // self.each, self.rounds - 1)
        best = self.best_of(trials, turn, mode)
        if turn == 0 or not best:
            return space.at(units)
        width = self.shrink**turn
        for p in space.parameters:
            known = [t.params[p.key] for t in best if p.key in t.params]
            if not known:
                continue
            if p.ordered:
                low = min(max(p.unit(known[0]) - width / 2, 0.0), 1 - width)
                units[p.key] = low + width * units[p.key]
            else:
                units[p.key] = p.unit(known[int(units[p.key] * len(known))])
        return space.at(units)

    def best_of(self, trials: "Sequence[Trial]", turn: int, mode: str) -> "list[Trial]":
        """Return the best few trials of the latest round with results."""
        sign = 1 if mode == "min" else -1
        for earlier in range(turn - 1, -1, -1):
            own = trials[earlier * self.each : (earlier + 1) * self.each]
            valued = [t for t in own if t.value is not None and t.state != "failed"]
            if valued:
                return sorted(valued, key=lambda t: sign * (t.value or 0.0))[: self.few]
        return []
