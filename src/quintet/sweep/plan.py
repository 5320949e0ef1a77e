"""What a sweep is going to do, settled and checked before its first trial."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from quintet import build, run_folder
from quintet.errors import UserError, nearest
from quintet.length import repeats
from quintet.sweep.grammar import parameter, parse, preset
from quintet.sweep.samplers import Sampler
from quintet.sweep.schedulers import Scheduler
from quintet.sweep.space import Choice, Parameter, Point, Space

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override


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
        max_epochs: of a trial that is not stopped, in all its folds.
        sampler: what to try next.
        scheduler: who goes on, who stops.
        settings: the config's `sweeper` node.
        test: whether the winner is tested.
        warm: points of earlier studies, to try after the defaults.

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
    warm: tuple[Point, ...] = ()

    @property
    def beginning(self) -> tuple[Point, ...]:
        """The points that are tried before the sampler is asked."""
        return (*filter(None, [self.defaults]), *self.warm)

    def spec(self) -> dict[str, Any]:
        """Return what must be the same when a study goes on."""
        settings: Any = OmegaConf.to_container(self.settings)
        return {
            "metric": f"{self.metric} ({self.mode})",
            "fixed": sorted(self.fixed),
            "space": self.space.describe(),
            "strategy": {key: settings[key] for key in ("sampler", "scheduler", "seed")},
        }


def settle(
    config: DictConfig,
    loader: "ConfigLoader",
    arguments: Iterable[str],
    seen: Iterable[str] = (),
) -> Plan:
    """Return the plan of a command line.

    Args:
        config: composed from everything that does not vary.
        loader: Hydra's, to compose a trial's config.
        arguments: the overrides as they were typed.
        seen: overrides by a first look at the data; a space may vary what they choose.

    Raises:
        UserError: a parameter, value or combination that no trial could run with.

    """
    overrides = parse(loader, arguments)
    fixed = tuple(_typed(o) for o in overrides if not o.is_sweep_override() and for_trial(o))
    given = {o.get_key_element() for o in overrides}
    own = {o.partition("=")[0]: o for o in (*config.sweeper.trial, *seen)}
    own = {key: o for key, o in own.items() if key not in given}
    base = loader.load_sweep_config(config, [*fixed, *own.values()])
    space = _space(base, loader, overrides, config.get("search_space") or {})
    fixed = (*fixed, *(own[key] for key in own if key not in {p.key for p in space.parameters}))
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
        max_epochs=(base.trainer.max_epochs or 0) * repeats(base),
        sampler=sampler,
        scheduler=scheduler,
        # A storage's password stays a reference: jobs of a cluster are handed the plan as a file.
        settings=run_folder.without_secrets(config.sweeper),
        test=config.test,
    )


def _typed(override: "Override") -> str:
    return str(override.input_line)


def for_trial(override: "Override") -> bool:
    """Tell whether an override is for the trials; the others are for the sweep itself."""
    key = override.key_or_group
    sweeps = key.startswith(("sweeper.", "sweeper/")) or key in ("study", "search_space", "test")
    return not sweeps and not override.is_hydra_override()


def _space(
    base: DictConfig,
    loader: "ConfigLoader",
    overrides: "list[Override]",
    entries: Mapping[str, Any],
) -> Space:
    """Collect what varies: presets first, then the command line, which wins."""
    chosen: dict[str, str | None] = OmegaConf.to_container(base.hydra.runtime.choices)  # type: ignore[assignment]
    fixed = {o.get_key_element() for o in overrides}
    alternatives = preset(loader, entries)
    found = {p.key: p for p in map(_parameter, overrides) if p is not None}
    chosen |= _fixed_owners(base, alternatives)
    varied: dict[str, Parameter] = {}
    for p in _owners_first([*found.values(), *(p for p in alternatives if p.key not in fixed)]):
        if p.key not in varied and _possible(p, varied, chosen):
            varied[p.key] = p
    _refuse(varied)
    return Space(tuple(varied.values()), chosen)


def _fixed_owners(base: DictConfig, found: Iterable[Parameter]) -> dict[str, str | None]:
    """Return the values of plain keys, such as data.kind, that parameters belong to."""
    owners = {owner for p in found for owner in p.when if "." in owner}
    return {owner: OmegaConf.select(base, owner) for owner in owners}


def _parameter(override: "Override") -> Parameter | None:
    return parameter(override, {}) if override.is_sweep_override() else None


def _refuse(found: dict[str, Parameter]) -> None:
    for group, why in {
        "sweeper": "a sweep has one strategy",
        "metric": "the values of two metrics cannot be compared",
        "cv": "means over different folds cannot be compared",
        "search_space": "[a,b] in brackets joins several spaces",
        "study": "a sweep is one study",
    }.items():
        if key := next((k for k in found if k == group or k.startswith(f"{group}.")), None):
            raise UserError(
                f"{key}={found[key]} cannot be swept: {why}. Give one value, or start one "
                "sweep for each."
            )


def _owners_first(found: Iterable[Parameter]) -> list[Parameter]:
    """Order parameters so that each comes after those it belongs to."""
    waiting, placed = list(found), list[Parameter]()
    while waiting:
        keys = {p.key for p in waiting}
        ready = [p for p in waiting if not (set(p.when) - {p.key}) & keys]
        placed += ready or waiting  # owners in a circle: in the order given
        waiting = [p for p in waiting if p not in placed]
    return placed


def _possible(
    parameter: Parameter, varied: dict[str, Parameter], chosen: Mapping[str, str | None]
) -> bool:
    """Tell whether any option that a parameter belongs to can be chosen."""
    for owner, options in parameter.when.items():
        group = varied.get(owner)
        open_to = group.values if isinstance(group, Choice) else (chosen.get(owner),)
        if not set(options) & set(open_to):
            return False
    return True


def _check(config: DictConfig, loader: "ConfigLoader", fixed: Iterable[str], space: Space) -> None:
    """Compose a config with each option, so that a typo costs no trial."""
    groups = [p for p in space.parameters if isinstance(p, Choice) and "." not in p.key]
    for group in groups:
        if allowed := loader.get_group_options(group.key.lstrip("+")):
            for value in group.values:
                if value not in (*allowed, "null") and not value.startswith("["):
                    raise UserError(
                        f"{group.key}={value}: there is no such option. {nearest(value, allowed)}"
                    )
    first = space.at(dict.fromkeys((p.key for p in space.parameters), 0.0))
    loader.load_sweep_config(config, [*fixed, *assignments(first)])
    for group in groups:
        for value in group.values[1:]:
            point: Point = {}
            for p in space.parameters:
                if space.active(p, point):
                    point[p.key] = value if p.key == group.key else p.at(0.0)
            loader.load_sweep_config(config, [*fixed, *assignments(point)])


def _defaults(base: DictConfig, space: Space) -> Point | None:
    """Return the config's own values; what lies outside the space is left as it stands."""
    point: Point = {}
    for p in space.parameters:
        own = space.chosen.get(p.key) or OmegaConf.select(base, p.key)
        value = "null" if own is None else str(own)
        if space.active(p, point) and p.holds(value):
            point[p.key] = value
    return point or None


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
