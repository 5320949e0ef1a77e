"""Example configs of a sweep's trials, one for each option, composed before the first trial."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from quintet.base.errors import Code, UserError
from quintet.study.grammar import group_options
from quintet.study.overrides import assignments, read
from quintet.study.space import Choice, Parameter, Params, Space

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader


CONSTANT = "constant"
"""The option of `scheduler` that leaves the learning rate as it is."""


@dataclass(frozen=True)
class Example:
    """A config with one choice of options, and the values to be checked with it.

    Args:
        params: its values of the space's parameters.
        config: composed.
        values: of its plain keys, those that could be invalid in different ways.
        proposed: whether it is of one trial to come, as proposed from outside.

    """

    params: Params
    config: DictConfig
    values: dict[str, list[Any]]
    proposed: bool = False


def examples(
    config: DictConfig, loader: "ConfigLoader", fixed: Sequence[str], space: Space
) -> Iterator[Example]:
    """Compose a config with each option, so that typos are reported before the first trial.

    Raises:
        UserError: an option does not exist.
        HydraException: a key does not exist.

    """
    groups = [p for p in space.parameters if isinstance(p, Choice) and _options(loader, p)]
    for group in groups:
        _check_names(group, _options(loader, group))
    candidates = [_params(space)]
    candidates += [_params(space, {g.key: value}) for g in groups for value in g.values[1:]]
    for params in candidates:
        composed = loader.load_sweep_config(config, [*fixed, *assignments(params)])
        plain = [space[key] for key in params if space[key] not in groups]
        yield Example(params, composed, {p.key.lstrip("+"): _values(p) for p in plain})


def proposed(
    config: DictConfig, loader: "ConfigLoader", fixed: Sequence[str], points: Iterable[Params]
) -> Iterator[Example]:
    """Compose the config of each of the params that were proposed."""
    for params in points:
        composed = loader.load_sweep_config(config, [*fixed, *assignments(params)])
        yield Example(params, composed, {}, proposed=True)


def check_metric(found: Sequence[Example]) -> None:
    """Check that all options have one metric; different ones cannot be compared.

    Raises:
        UserError: two options have different metrics.

    """
    first = found[0]
    for other in found[1:]:
        if other.config.metric != first.config.metric:
            option = next(k for k in other.params if other.params[k] != first.params.get(k))
            raise UserError(
                f"brings metric={other.config.metric.name}, and "
                f"{option}={first.params.get(option)} metric={first.config.metric.name}: values "
                "of two metrics cannot be compared",
                code=Code.CONFLICT,
                key=option,
                value=other.params[option],
                hint="Start one sweep for each, or give metric=<name>",
            )


def has_schedule(example: Example) -> bool:
    """Return whether the learning rate of an example changes by a schedule."""
    return bool(example.config.hydra.runtime.choices.get("scheduler") != CONSTANT)


def _options(loader: "ConfigLoader", parameter: Parameter) -> tuple[str, ...]:
    return group_options(loader, parameter.key.lstrip("+").partition("@")[0])


def _check_names(group: Choice, allowed: Iterable[str]) -> None:
    for value in group.values:
        if value not in allowed and not value.startswith("["):
            raise UserError(
                "is not an option",
                code=Code.UNKNOWN_NAME,
                key=group.key,
                value=value,
                allowed=allowed,
            )


def _params(space: Space, wanted: Params | None = None) -> Params:
    """Return the first value of each active parameter, except where `wanted` has another."""
    params: Params = {}
    for p in space.parameters:
        if space.active(p, params):
            params[p.key] = (wanted or {}).get(p.key) or p.at(0.0)
    return params


def _values(parameter: Parameter) -> list[Any]:
    """Return the values of a plain key to check, as Hydra parses them."""
    return [o.value() for o in read(f"{parameter.key}={value}" for value in _to_check(parameter))]


def _to_check(parameter: Parameter) -> list[str]:
    """Return the values that may be invalid in different ways: of numbers, the two ends."""
    if not isinstance(parameter, Choice):
        return [parameter.at(0.0), parameter.at(1.0)]
    kinds: dict[type, list[str]] = {int: [], float: [], str: []}
    for value in parameter.values:
        kinds[_kind(value)].append(value)
    numbers = (sorted(kinds[kind], key=kind) for kind in (int, float))
    ends = (end for found in numbers if found for end in (found[0], found[-1]))
    return [*dict.fromkeys(ends), *kinds[str]]


def _kind(value: str) -> type:
    for kind in (int, float):
        try:
            kind(value)
        except ValueError:
            continue
        return kind
    return str
