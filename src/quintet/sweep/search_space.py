"""The search space of a sweep: what the command line varies, and a preset for the rest."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from quintet.base import paths, plain_yaml
from quintet.base.errors import Code, UserError
from quintet.config.run_nodes import without_effect
from quintet.study.grammar import parameter, preset
from quintet.study.overrides import bare, root_of
from quintet.study.space import Choice, Parameter, Space
from quintet.sweep.option_spaces import expanded

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override

MODULE = "module"
"""The group that decides which other choices a trial has."""


def search_space(
    base: DictConfig,
    loader: "ConfigLoader",
    overrides: "list[Override]",
    entries: Mapping[str, Any],
) -> Space:
    """Return the space of a sweep.

    Args:
        base: the config without the swept values.
        loader: Hydra's.
        overrides: of the command line, which take precedence over the preset.
        entries: of the preset, as for `quintet.study.grammar.preset`.

    Raises:
        UserError: the values cannot be combined.

    """
    chosen: dict[str, str | None] = OmegaConf.to_container(base.hydra.runtime.choices)  # type: ignore[assignment]
    given = {bare(o) for o in overrides}
    varied = preset(loader, expanded(entries))
    chosen |= _fixed_owners(base, varied)
    here = [p for p in varied if p.key != MODULE or _possible(p, {}, chosen)]
    alternatives = _with_modules(base, here, given)
    typed = [parameter(o, {}) for o in overrides if o.is_sweep_override()]
    found: dict[str, Parameter] = {}
    for p in _owners_first([*typed, *(p for p in alternatives if p.key not in given)]):
        alone = p in alternatives and isinstance(p, Choice) and p.values == (chosen.get(p.key),)
        if p.key not in found and not alone and _possible(p, found, chosen):
            found[p.key] = p
    if "seed" in found and (seeds := base.cv.seeds or 1) != 1:
        raise UserError(
            f"cannot be combined with cv.seeds={seeds}: each trial trains with {seeds} seeds from "
            "its own upwards, so trials would share them",
            code=Code.CONFLICT,
            key="seed",
            value=found["seed"],
            hint="Leave out one of the two",
        )
    return Space(tuple(found.values()), chosen)


def _with_modules(
    base: DictConfig, varied: Iterable[Parameter], given: Iterable[str]
) -> list[Parameter]:
    """Return a preset's parameters, each only for modules that take the choice that it is of.

    A module that does not take a choice which the command line gives is not tried.

    Args:
        base: the config without the swept values.
        varied: parameters of the preset.
        given: keys of the command line.

    """
    ignored = {str(base.hydra.runtime.choices.get(MODULE)): without_effect(base)}
    if not any(key == MODULE for key in given):
        groups = {root_of(key) for key in given}
        options = {v for p in varied if p.key == MODULE and isinstance(p, Choice) for v in p.values}
        others = {name: _ignored(base, name) for name in sorted(options - set(ignored))}
        ignored |= {name: roots for name, roots in others.items() if not groups & roots}
    found: list[Parameter] = []
    for p in varied:
        takers = tuple(name for name, roots in ignored.items() if root_of(p.key) not in roots)
        if p.key == MODULE and isinstance(p, Choice):
            found.append(replace(p, values=tuple(v for v in p.values if v in ignored)))
        elif len(takers) == len(ignored):
            found.append(p)
        elif takers:
            found.append(replace(p, when={**p.when, MODULE: takers}))
    return found


def _ignored(base: DictConfig, module: str) -> frozenset[str]:
    """Return the choices that another module than the config's does not take."""
    node = plain_yaml.own_config(paths.options(MODULE)[module])
    return without_effect(OmegaConf.create({MODULE: dict(node)}))


def _fixed_owners(base: DictConfig, found: Iterable[Parameter]) -> dict[str, str | None]:
    """Return the values of plain keys, such as data.kind, that parameters depend on."""
    owners = {owner for p in found for owner in p.when if "." in owner}
    return {owner: OmegaConf.select(base, owner) for owner in owners}


def _owners_first(found: Iterable[Parameter]) -> list[Parameter]:
    """Order parameters so that each comes after those it depends on."""
    waiting, placed = list(found), list[Parameter]()
    while waiting:
        keys = {p.key for p in waiting}
        ready = [p for p in waiting if not (set(p.when) - {p.key}) & keys]
        placed += ready or waiting  # circular dependencies: in the order given
        waiting = [p for p in waiting if p not in placed]
    return placed


def _possible(
    parameter: Parameter, varied: Mapping[str, Parameter], chosen: Mapping[str, str | None]
) -> bool:
    """Return whether any option that a parameter depends on can be chosen."""
    for owner, options in parameter.when.items():
        group = varied.get(owner)
        open_to = group.values if isinstance(group, Choice) else (chosen.get(owner),)
        if not set(options) & set(open_to):
            return False
    return True
