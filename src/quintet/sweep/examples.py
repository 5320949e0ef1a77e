"""Configs that a sweep's trials are going to have, one for each option, composed beforehand."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from quintet.base.errors import UserError, nearest
from quintet.study.overrides import assignments, read
from quintet.study.space import Choice, Parameter, Params, Space

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader


@dataclass(frozen=True)
class Example:
    """A config, and the values that are tried beside its options.

    Args:
        point: what it has of the space.
        config: composed.
        values: of its plain keys, those that could be wrong in a way of their own.

    """

    point: Params
    config: DictConfig
    values: dict[str, list[Any]]


def examples(
    config: DictConfig, loader: "ConfigLoader", fixed: Sequence[str], space: Space
) -> Iterator[Example]:
    """Compose a config with each option, so that a typo costs no trial.

    Raises:
        UserError: an option that there is not.
        HydraException: a key that there is not.

    """
    groups = [p for p in space.parameters if isinstance(p, Choice) and _options(loader, p)]
    for group in groups:
        _check_names(group, _options(loader, group))
    points = [_point(space)]
    points += [_point(space, {g.key: value}) for g in groups for value in g.values[1:]]
    for point in points:
        composed = loader.load_sweep_config(config, [*fixed, *assignments(point)])
        plain = [space[key] for key in point if space[key] not in groups]
        yield Example(point, composed, {p.key.lstrip("+"): _values(p) for p in plain})


def agree(found: Sequence[Example]) -> None:
    """Refuse options that bring different metrics, whose values nobody can compare.

    Raises:
        UserError: with both.

    """
    first = found[0]
    for other in found[1:]:
        if other.config.metric != first.config.metric:
            option = next(k for k in other.point if other.point[k] != first.point.get(k))
            raise UserError(
                f"{option}={other.point[option]} brings metric={other.config.metric.name}, and "
                f"{option}={first.point.get(option)} metric={first.config.metric.name}: the values "
                "of two metrics cannot be compared. Start one sweep for each, or give metric=."
            )


def _options(loader: "ConfigLoader", parameter: Parameter) -> list[str]:
    return loader.get_group_options(parameter.key.lstrip("+").partition("@")[0])


def _check_names(group: Choice, allowed: Iterable[str]) -> None:
    for value in group.values:
        if value not in allowed and not value.startswith("["):
            raise UserError(
                f"{group.key}={value}: there is no such option. {nearest(value, allowed)}"
            )


def _point(space: Space, wanted: Params | None = None) -> Params:
    """Return the point of all first values but for those that are wanted."""
    point: Params = {}
    for p in space.parameters:
        if space.active(p, point):
            point[p.key] = (wanted or {}).get(p.key) or p.at(0.0)
    return point


def _values(parameter: Parameter) -> list[Any]:
    """Return the values of a plain key as Hydra reads them, those that could be wrong."""
    return [o.value() for o in read(f"{parameter.key}={word}" for word in _telling(parameter))]


def _telling(parameter: Parameter) -> list[str]:
    """Return the values that may be wrong in ways of their own: of numbers, the ends are enough."""
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
