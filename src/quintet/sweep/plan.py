"""What a sweep is going to do, settled and checked before its first trial."""

import itertools
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from quintet import build
from quintet.errors import UserError, nearest
from quintet.sweep.grammar import parameter, parse, preset
from quintet.sweep.samplers import Sampler
from quintet.sweep.schedulers import Scheduler
from quintet.sweep.space import Choice, Parameter, Point, Space

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override

MOST_COMBINATIONS = 64
"""of options whose configs are composed to be checked."""


@dataclass(frozen=True)
class Plan:
    """A sweep, settled.

    Args:
        command: that runs a trial, before its overrides.
        fixed: overrides that every trial has.
        space: what varies.
        defaults: the config's own values of what varies, where they lie within the space.
        folder: of the sweep.
        metric: P's name.
        mode: P's direction.
        max_epochs: of a trial that is not stopped.
        sampler: what to try next.
        scheduler: who goes on, who stops.
        settings: the config's `sweeper` node.
        test: whether the winner is tested.

    """

    command: tuple[str, ...]
    fixed: tuple[str, ...]
    space: Space
    defaults: Point | None
    folder: Path
    metric: str
    mode: str
    max_epochs: int
    sampler: Sampler
    scheduler: Scheduler
    settings: DictConfig
    test: bool

    def spec(self) -> dict[str, Any]:
        """Return what must be the same when a study goes on."""
        kept = ("sampler", "scheduler", "seed")
        return {
            "metric": f"{self.metric} ({self.mode})",
            "fixed": sorted(self.fixed),
            "space": self.space.describe(),
            "strategy": {k: OmegaConf.to_container(self.settings, resolve=True)[k] for k in kept},  # type: ignore[call-overload,index]
        }


def settle(config: DictConfig, loader: "ConfigLoader", arguments: Iterable[str]) -> Plan:
    """Return the plan of a command line.

    Args:
        config: composed from everything that does not vary.
        loader: Hydra's, to compose a trial's config.
        arguments: the overrides as they were typed.

    Raises:
        UserError: a parameter, value or combination that no trial could run with.

    """
    overrides = parse(loader, arguments)
    fixed = tuple(_typed(o) for o in overrides if not o.is_sweep_override() and _for_trial(o))
    base = loader.load_sweep_config(config, [*fixed])
    space = _space(base, loader, overrides)
    _check(config, loader, fixed, space)
    sampler, scheduler = build.strategy(config)
    return Plan(
        command=(sys.executable, str(Path(sys.argv[0]).resolve()), *_flags(config)),
        fixed=fixed,
        space=space,
        defaults=_defaults(base, space),
        folder=_folder(config),
        metric=base.metric.name,
        mode=base.metric.mode,
        max_epochs=base.trainer.max_epochs,
        sampler=sampler,
        scheduler=scheduler,
        settings=config.sweeper,
        test=base.test,
    )


def _typed(override: "Override") -> str:
    return str(override.input_line)


def _for_trial(override: "Override") -> bool:
    """Tell whether an override is for the trials; the others are for the sweep itself."""
    key = override.key_or_group
    sweeps = key.startswith(("sweeper.", "sweeper/")) or key in ("study", "search_space", "test")
    return not sweeps and not override.is_hydra_override()


def _space(base: DictConfig, loader: "ConfigLoader", overrides: "list[Override]") -> Space:
    """Collect what varies: presets first, then the command line, which wins."""
    found: dict[str, Parameter] = {}
    for each in preset(loader, base.get("search_space") or {}):
        found[each.key] = each
    for override in overrides:
        key = override.get_key_element()
        if override.is_sweep_override():
            found[key] = parameter(override, {})
        else:
            found.pop(key, None)
    _refuse(found)
    chosen = OmegaConf.to_container(base.hydra.runtime.choices)
    space = Space(_owners_first(found), chosen)  # type: ignore[arg-type]
    possible = [p for p in space.parameters if _possible(p, space)]
    return Space(tuple(possible), space.chosen)


def _refuse(found: dict[str, Parameter]) -> None:
    for group, why in {
        "sweeper": "a sweep has one strategy",
        "metric": "the values of two metrics cannot be compared",
        "search_space": "[a,b] in brackets joins several spaces",
        "study": "a sweep is one study",
    }.items():
        if key := next((k for k in found if k == group or k.startswith(f"{group}.")), None):
            raise UserError(
                f"{key}={found[key]} cannot be swept: {why}. Give one value, or start one "
                "sweep for each."
            )


def _owners_first(found: dict[str, Parameter]) -> tuple[Parameter, ...]:
    return tuple(sorted(found.values(), key=lambda p: bool(p.when)))


def _possible(parameter: Parameter, space: Space) -> bool:
    """Tell whether any option that a parameter belongs to can be chosen."""
    swept = {p.key: p for p in space.parameters}
    for owner, options in parameter.when.items():
        group = swept.get(owner)
        open_to = group.values if isinstance(group, Choice) else (space.chosen.get(owner),)
        if not set(options) & set(open_to):
            return False
    return True


def _check(config: DictConfig, loader: "ConfigLoader", fixed: Iterable[str], space: Space) -> None:
    """Compose a config for each combination of options, so that a typo costs no trial."""
    groups = [p for p in space.parameters if isinstance(p, Choice) and "." not in p.key]
    for group in groups:
        if allowed := loader.get_group_options(group.key.lstrip("+")):
            for value in group.values:
                if value not in (*allowed, "null") and not value.startswith("["):
                    raise UserError(
                        f"{group.key}={value}: there is no such option. {nearest(value, allowed)}"
                    )
    combinations = itertools.product(*(p.values for p in groups))
    for values in itertools.islice(combinations, MOST_COMBINATIONS):
        at = {p.key: v for p, v in zip(groups, values, strict=True)}
        first = {p.key: p.at(0.0) for p in space.parameters if p.key not in at}
        point: Point = {}
        for p in space.parameters:
            if space.active(p, point):
                point[p.key] = at.get(p.key) or first[p.key]
        loader.load_sweep_config(config, [*fixed, *assignments(point)])


def _defaults(base: DictConfig, space: Space) -> Point | None:
    point: Point = {}
    for p in space.parameters:
        if not space.active(p, point):
            continue
        value = space.chosen.get(p.key) or OmegaConf.select(base, p.key)
        if value is None or not p.holds(text := str(value)):
            return None
        point[p.key] = text
    return point


def assignments(point: Point) -> list[str]:
    """Return a point as overrides."""
    return [f"{key}={value}" for key, value in point.items()]


def _folder(config: DictConfig) -> Path:
    """Return where the sweep is written; `study=` names it unless hydra.sweep.dir= is given."""
    folder = Path(config.hydra.sweep.dir)
    placed = any(o.startswith("hydra.sweep.dir=") for o in config.hydra.overrides.hydra)
    if config.study and not placed:
        folder = folder.parent / str(config.study)
    return folder.resolve()


def _flags(config: DictConfig) -> list[str]:
    """Return the flags by which a trial finds the same configs."""
    flags = [f"--config-name={config.hydra.job.config_name}"]
    sources = config.hydra.runtime.config_sources
    flags += [f"--config-dir={s.path}" for s in sources if s.provider == "command-line"]
    return flags
