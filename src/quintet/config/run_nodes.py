"""The nodes of a run's config that are built, depending on what its LightningModule takes.

A module's constructor asks for a choice by the name of an argument. Arguments that the module's own
node in the config sets are not filled in.
"""

from collections.abc import Iterable

from omegaconf import DictConfig

from quintet.base.errors import Code, UserError
from quintet.config import known_signatures
from quintet.config.instantiate import ARGS, TARGET
from quintet.config.signature import locate, parameters

SUPERVISED = "quintet.modules.supervised.SupervisedModule"
DEFAULT = {
    TARGET: SUPERVISED,
    "metric_name": "${metric.name}",
    "task": "${facts.task}",
}
"""The module of runs that were made before `module=` existed."""
CHOICES = ("metric", "loss", "init", "optimizer", "scheduler", "model")
"""Choices that a module's constructor may ask for."""
LOGGED = "logged"
"""The option of `metric` for metrics that a module computes itself."""


def taken(cfg: DictConfig) -> frozenset[str]:
    """Return the choices that the module of a config takes, of `CHOICES`.

    A model comes with its `init`; a metric's name and direction decide in any case.

    Raises:
        UserError: the module's `_target_` cannot be imported.

    """
    if "module" not in cfg:  # composed by another command than train.py
        return frozenset(CHOICES)
    names = left_open(cfg)
    return frozenset((names | {"init"} if "model" in names else names).intersection(CHOICES))


def without_effect(cfg: DictConfig) -> frozenset[str]:
    """Return the choices that have no effect on a run, as its module does not take them."""
    return frozenset(CHOICES) - {"metric"} - taken(cfg)


def left_open(cfg: DictConfig) -> set[str]:
    """Return the arguments of the module's constructor that its node does not set."""
    by_position = len(cfg.module.get(ARGS) or ())
    return {*[*arguments(cfg.module.get(TARGET))][by_position:]} - {*cfg.module}


def nodes(cfg: DictConfig) -> dict[str, DictConfig]:
    """Return the nodes of a run that are built, by key, except the data's."""
    groups = taken(cfg)
    found = {group: cfg[group] for group in CHOICES if group in groups}
    found |= {place: cfg[place] for place in ("module", "trainer") if place in cfg}
    for group in ("callbacks", "logger"):
        each = (cfg[group] or {}).items()
        found |= {f"{group}.{name}": node for name, node in each if node is not None}
    return found


def check_config(cfg: DictConfig) -> None:
    """Check all nodes of a run against the shipped signatures.

    Raises:
        UserError: an unknown argument, or one of a wrong type or out of range.

    """
    for where, node in nodes(cfg).items():
        known_signatures.check(node, where)
    known_signatures.check_data(cfg.data)


def arguments(target: object) -> Iterable[str]:
    """Return the names of a module's constructor arguments, without importing a shipped one."""
    known = known_signatures.parameters(target)
    return known or parameters(locate(target, "module"))


def check_typed(cfg: DictConfig, overrides: Iterable[str]) -> None:
    """Refuse choices that were typed but that the module does not take; check the metric.

    Raises:
        UserError: names the override, and the choices that have an effect.

    """
    takes, unused = taken(cfg), without_effect(cfg)
    for override in overrides:
        key = override.lstrip("+~").partition("=")[0]
        group = key.partition(".")[0].partition("@")[0]
        if group in unused:
            raise UserError(
                f"has no effect: module={name(cfg)} does not take {group}",
                code=Code.INCOMPATIBLE,
                key=key,
                hint=f"Leave it out. The module takes: {', '.join(sorted(takes)) or 'none'}.",
            )
    check_metric(cfg, takes)


def check_metric(cfg: DictConfig, takes: Iterable[str]) -> None:
    """Refuse `metric=logged` for a module that takes its metric as an argument.

    Raises:
        UserError: names the metric and the module.

    """
    if "metric" in takes and not cfg.metric.get(TARGET):
        raise UserError(
            f"names a number that the module logs itself, but module={name(cfg)} is given its "
            "metric",
            code=Code.INCOMPATIBLE,
            key="metric",
            value=cfg.choices.get("metric") or LOGGED,
            hint="Choose a metric that is computed, such as metric=accuracy.",
        )


def name(cfg: DictConfig) -> str:
    """Return the module's name on the command line."""
    chosen = cfg.choices.get("module") if "choices" in cfg else None
    return str(chosen or str(cfg.module.get(TARGET)).rpartition(".")[2])
