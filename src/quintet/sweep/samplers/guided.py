"""A sampler that starts from a prior belief about good params and corrects it."""

import math
from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from quintet.base.errors import Code, UserError
from quintet.study import grammar
from quintet.sweep.settings import check_least

if TYPE_CHECKING:
    import numpy as np

    from quintet.study.space import Parameter, Params, Space
    from quintet.study.trial import Trial

Belief = Mapping[str, tuple[float, float]]
"""Mean in [0, 1] and standard deviation of a normal distribution, by parameter."""


class Guided:
    """Draws from a belief, around the best trials, and from the whole space (PriorBand).

    Mallik et al. 2023, "PriorBand: practical hyperparameter optimization in the age of deep
    learning". The belief is a normal distribution around a value of each parameter: the prior of
    its range or, by default, the config's own value. If the best trial explains the best few better
    than the belief does, the belief loses weight, so a wrong one costs little.

    Args:
        prior: by parameter, a value, or a mapping with `value` and `width`, instead of the above.
        width: standard deviation of the belief, as a share of each range; for an option, the
            probability that another one is drawn.
        uniform: share of the trials that are drawn from the whole space.
        spread: standard deviation around the best trial, as a share of each range.
        best: number of trials that decide between belief and best trial.
        startup: number of trials before draws around the best one.

    """

    starts_with_defaults = True

    def __init__(
        self,
        prior: Mapping[str, Any] | None = None,
        width: float = 0.2,
        uniform: float = 0.3,
        spread: float = 0.1,
        best: int = 3,
        startup: int = 9,
    ) -> None:
        check_least("sampler", best=(best, 1), startup=(startup, 1))
        for name, share in {"width": width, "uniform": uniform, "spread": spread}.items():
            check_share(f"sweeper.sampler.{name}", share)
        self.prior, self.width, self.uniform = prior or {}, width, uniform
        self.spread, self.best, self.startup = spread, best, startup
        self.belief: dict[str, tuple[float, float]] = {}

    def believing(self, space: "Space", defaults: "Params | None") -> "Guided":
        """Return a copy with a belief about each parameter of a space.

        Args:
            space: of the sweep.
            defaults: the config's own values, of those parameters within their range.

        Raises:
            UserError: the prior names a parameter that does not vary, or a value outside its range.

        """
        told = copy(self)
        known = {p.key: p for p in space.parameters}
        ranges = {key: p.prior for key, p in known.items() if p.prior is not None}
        told.belief = {
            key: (known[key].unit(own), self.width)
            for key, own in ((defaults or {}) | ranges).items()
        }
        for key, node in self.prior.items():
            told.belief[key] = _believed(known, key, node, self.width)
        return told

    def total(self, space: "Space") -> None:
        """Return None: unlimited."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return params drawn from the belief, around the best trial, or from the whole space."""
        import numpy as np

        rng = np.random.default_rng([seed, number])
        leaders = leading(trials, mode)[: self.best]
        chance, where = rng.random(), rng.random()
        if chance < self.uniform:
            return space.at(near({}, space, rng))
        if len(trials) >= self.startup and leaders and where >= self.trust(leaders, space):
            return space.at(near(self.around(leaders[0], space), space, rng))
        return space.at(near(self.belief, space, rng))

    def around(self, trial: "Trial", space: "Space") -> Belief:
        """Return the belief that the best params are near those of a trial."""
        return {key: (at, self.spread) for key, at in places(trial, space).items()}

    def trust(self, leaders: "Sequence[Trial]", space: "Space") -> float:
        """Return the share of draws from the belief: how well it explains the best trials.

        The alternative is a distribution around the best trial. Better trials count more.
        """
        best = places(leaders[0], space)
        around = {key: (best[key], own[1]) for key, own in self.belief.items() if key in best}
        own, other = (
            sum(
                likelihood(places(trial, space), belief, space) / rank
                for rank, trial in enumerate(leaders, 1)
            )
            for belief in (self.belief, around)
        )
        return own / max(own + other, 1e-12) if self.belief else 0.0


def _believed(
    known: "Mapping[str, Parameter]", key: str, node: Any, width: float
) -> tuple[float, float]:
    """Return the mean and standard deviation of a given belief.

    Raises:
        UserError: the parameter does not vary, or its range lacks the value.

    """
    node = node if isinstance(node, Mapping) else {"value": node}
    named = f"sweeper.sampler.prior.{key}"
    if key not in known:
        raise UserError(
            "is not a parameter of this sweep",
            code=Code.UNKNOWN_NAME,
            key="sweeper.sampler.prior",
            value=key,
            allowed=[*known],
        )
    value = grammar.believed(known[key], node.get("value"), named)
    return known[key].unit(value), check_share(f"{named}.width", node.get("width", width))


def check_share(key: str, value: float) -> float:
    """Return a share of a range.

    Raises:
        UserError: it is not above 0 and at most 1.

    """
    if type(value) not in (int, float) or not 0 < value <= 1:
        raise UserError(
            "is out of range",
            code=Code.OUT_OF_RANGE,
            key=key,
            value=value,
            hint="Allowed: above 0, up to 1",
        )
    return value


def leading(trials: "Sequence[Trial]", mode: str) -> "list[Trial]":
    """Return the trials with a value, completed ones first, each group sorted from the best."""
    sign = 1 if mode == "min" else -1
    valued = [t for t in trials if t.value is not None and t.state in ("completed", "pruned")]
    return sorted(valued, key=lambda t: (t.state != "completed", sign * (t.value or 0.0)))


def places(trial: "Trial", space: "Space") -> dict[str, float]:
    """Return a trial's position in the unit cube, without parameters that it has no value for."""
    return {
        p.key: p.unit(value)
        for p in space.parameters
        if (value := trial.params.get(p.key)) is not None and p.contains(value)
    }


def near(belief: Belief, space: "Space", rng: "np.random.Generator") -> dict[str, float]:
    """Draw a position from a belief; parameters without one are drawn uniformly."""
    return {p.key: _near(p, belief.get(p.key), rng) for p in space.parameters}


def _near(p: "Parameter", belief: tuple[float, float] | None, rng: "np.random.Generator") -> float:
    if belief is None or (not p.ordered and rng.random() < belief[1]):
        return float(rng.random())
    middle, width = belief
    if not p.ordered:
        return middle
    while not 0 <= (at := middle + width * rng.standard_normal()) <= 1:
        pass
    return float(at)


def likelihood(at: Mapping[str, float], belief: Belief, space: "Space") -> float:
    """Return the density of a position under a belief, up to a factor."""
    total = 0.0
    for p in space.parameters:
        if p.key in at and p.key in belief:
            middle, width = belief[p.key]
            apart = abs(at[p.key] - middle)
            total += -0.5 * (apart / width) ** 2 if p.ordered else math.log(width) * (apart > 0)
    return math.exp(total)
