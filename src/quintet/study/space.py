"""The search space: parameters, their scales, and the conditions on which they exist."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from quintet.artifacts.csv_cells import NUMBER
from quintet.base.errors import Code, UserError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Params = dict[str, str]
"""One value for each active parameter, as on the command line."""
Scale = Literal["linear", "log", "reverse_log"]
MOST = 100_000
"""Maximum number of combinations of a grid."""


@dataclass(frozen=True)
class Choice:
    """A parameter with listed values.

    Args:
        key: as on the command line.
        values: as on the command line.
        when: the options for which it exists, such as {"optimizer": ("sgd_momentum",)}.
        ordered: whether neighbours in the list are similar.
        prior: the value that is believed to be good, for strategies that ask; None for the
            config's own.

    """

    key: str
    values: tuple[str, ...]
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ordered: bool = False
    prior: str | None = None

    def at(self, unit: float) -> str:
        """Return the value at a position in [0, 1); each value has an equal share."""
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]

    def unit(self, value: str) -> float:
        """Return the middle of a value's share of [0, 1]."""
        return (self.values.index(value) + 0.5) / len(self.values)

    def contains(self, value: str) -> bool:
        """Return whether the value is in the list."""
        return value in self.values

    def distribution(self) -> "BaseDistribution":
        """Return Optuna's distribution; ordered values are given by their index in the list."""
        from optuna.distributions import CategoricalDistribution, IntDistribution

        if self.ordered and len(self.values) > 1:
            return IntDistribution(0, len(self.values) - 1)
        return CategoricalDistribution(self.values)

    def to_optuna(self, value: str) -> str | int:
        """Return the value as Optuna stores it."""
        return self.values.index(value) if self.ordered and len(self.values) > 1 else value

    def from_optuna(self, kept: str | int) -> str:
        """Return the value for one suggested by Optuna."""
        return kept if isinstance(kept, str) else self.values[kept]

    def __str__(self) -> str:
        return ",".join(self.values)


@dataclass(frozen=True)
class Interval:
    """A number between two bounds, both included.

    Args:
        key: as on the command line.
        low: lower bound.
        high: upper bound.
        scale: linear; log: each decade has an equal share, for learning rates; reverse_log: each
            decade of 1 - x has an equal share, for momentum and betas, which matter most close to
            one.
        integer: whether only integers are allowed.
        when: as in `Choice`.
        prior: as in `Choice`.

    """

    key: str
    low: float
    high: float
    scale: Scale = "linear"
    integer: bool = False
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prior: str | None = None
    ordered = True

    def __post_init__(self) -> None:
        fits = {"log": self.low > 0, "reverse_log": self.low >= 0 and self.high < 1}
        if not -math.inf < self.low < self.high < math.inf or not fits.get(self.scale, True):
            limit = {"log": " above 0", "reverse_log": " of at least 0 and below 1"}
            raise UserError(
                "is not a range",
                code=Code.OUT_OF_RANGE,
                key=self.key,
                value=self,
                hint=f"Allowed: two numbers{limit.get(self.scale, '')}, the smaller first",
            )

    def _ends(self) -> tuple[float, float]:
        return (
            (1 - self.low, 1 - self.high) if self.scale == "reverse_log" else (self.low, self.high)
        )

    def at(self, unit: float) -> str:
        """Return the value at a position in [0, 1], on the scale."""
        low, high = self._ends()
        if self.integer and self.scale == "linear":  # each number has an equal share
            return str(min(int(self.low + unit * (self.high - self.low + 1)), int(self.high)))
        if self.scale == "linear":
            return self._say(low + unit * (high - low))
        value = math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
        return self._say(1 - value if self.scale == "reverse_log" else value)

    def _say(self, value: float) -> str:
        value = min(max(value, self.low), self.high)
        return str(round(value)) if self.integer else f"{value:.8g}"

    def unit(self, value: str) -> float:
        """Return the position of a value in [0, 1]."""
        (low, high), at = self._ends(), float(value)
        if self.integer and self.scale == "linear":
            return (at - self.low + 0.5) / (self.high - self.low + 1)
        if self.scale == "linear":
            return (at - low) / (high - low)
        at = 1 - at if self.scale == "reverse_log" else at
        return (math.log(at) - math.log(low)) / (math.log(high) - math.log(low))

    def contains(self, value: str) -> bool:
        """Return whether the value is a number within the bounds."""
        number = float(value) if NUMBER.fullmatch(value) else math.nan
        if self.low <= number <= self.high:
            return not self.integer or number.is_integer()
        ends = () if self.integer else (self.low, self.high)  # eight digits may lie just outside
        return any(math.isclose(number, end, rel_tol=1e-7) for end in ends)

    def distribution(self) -> "BaseDistribution":
        """Return Optuna's distribution; on the reverse_log scale, that of 1 - x on a log scale."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.integer:
            return IntDistribution(int(self.low), int(self.high), log=self.scale == "log")
        low, high = sorted(self._ends())
        return FloatDistribution(low, high, log=self.scale != "linear")

    def to_optuna(self, value: str) -> float | int:
        """Return the value as Optuna stores it."""
        if self.integer:
            return int(float(value))
        low, high = sorted(self._ends())
        kept = 1 - float(value) if self.scale == "reverse_log" else float(value)
        return min(max(kept, low), high)

    def from_optuna(self, kept: float | int) -> str:
        """Return the value for one suggested by Optuna."""
        return self._say(1 - kept if self.scale == "reverse_log" else kept)

    def __str__(self) -> str:
        text = f"interval({self.low:g},{self.high:g})"
        text = f"int({text})" if self.integer else text
        return text if self.scale == "linear" else f"tag({self.scale},{text})"


Parameter = Choice | Interval


@dataclass(frozen=True)
class Space:
    """The parameters of a sweep, each after the ones that it depends on.

    Args:
        parameters: what varies.
        chosen: the options of groups that do not vary.

    """

    parameters: tuple[Parameter, ...]
    chosen: Mapping[str, str | None] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Parameter:
        return next(p for p in self.parameters if p.key == key)

    def active(self, parameter: Parameter, params: Params) -> bool:
        """Return whether a parameter exists, given the values chosen so far."""
        return all(
            (params.get(owner) or self.chosen.get(owner)) in options
            for owner, options in parameter.when.items()
        )

    def at(self, units: Mapping[str, float]) -> Params:
        """Return the params at a position of the unit cube; inactive parameters have none."""
        params: Params = {}
        for parameter in self.parameters:
            if self.active(parameter, params):
                params[parameter.key] = parameter.at(units[parameter.key])
        return params

    def accepts(self, params: Params) -> bool:
        """Return whether params have a valid value for each active parameter, and no others."""
        seen: Params = {}
        for p in self.parameters:
            if self.active(p, seen):
                if p.key not in params or not p.contains(params[p.key]):
                    return False
                seen[p.key] = params[p.key]
        return seen == params

    def invalid_keys(self, params: Mapping[str, str]) -> list[str]:
        """Return the keys that are not a parameter, or whose value is not valid for it.

        Params may lack a parameter, as the defaults do if they lie outside its range.
        """
        own = {parameter.key: parameter for parameter in self.parameters}
        return [k for k, value in params.items() if k not in own or not own[k].contains(value)]

    def product(self) -> Iterator[Params]:
        """Yield every combination once; the last parameter varies fastest.

        Raises:
            UserError: a parameter is an interval, or there are too many combinations.

        """
        lists = self._lists()
        seen = set()
        for values in itertools.product(*lists):
            params: Params = {}
            for parameter, value in zip(self.parameters, values, strict=True):
                if self.active(parameter, params):
                    params[parameter.key] = value
            if (combination := tuple(params.items())) not in seen:
                seen.add(combination)
                yield params

    def _lists(self) -> list[tuple[str, ...]]:
        for parameter in self.parameters:
            if isinstance(parameter, Interval):
                raise UserError(
                    "is a range, and sweeper=grid needs a list of values",
                    code=Code.CONFLICT,
                    key=parameter.key,
                    value=parameter,
                    hint=f"Give values ({parameter.key}=a,b or range(...)), or choose "
                    "sweeper=random",
                )
        lists = [p.values for p in self.parameters if isinstance(p, Choice)]
        if (count := math.prod(map(len, lists))) > MOST:
            raise UserError(
                f"tries every combination, and there are {count:,}",
                code=Code.OUT_OF_RANGE,
                key="sweeper",
                value="grid",
                hint=f"Allowed: up to {MOST:,}. Give fewer values, or choose sweeper=random "
                "sweeper.n_trials=<number>",
            )
        return lists

    def describe(self) -> dict[str, str]:
        """Return the space as text, by key."""
        return {
            p.key: str(p)
            + "".join(f" when {k}={','.join(v)}" for k, v in p.when.items())
            + ("" if p.prior is None else f" prior {p.prior}")
            for p in self.parameters
        }
