"""The nodes of a run's config to instantiate, which depend on what its LightningModule takes.

A module's constructor requests a choice by the name of an argument. Arguments that the module's
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
"""The module of runs from before `module=` existed."""
CHOICES = ("metric", "loss", "init", "optimizer", "scheduler", "model")
"""Choices that a module's constructor may take as arguments."""
LOGGED = "logged"
"""The option of `metric` for metrics that a module computes itself."""


def accepted(cfg: DictConfig) -> frozenset[str]:
    """Return the subset of `CHOICES` that the module of a config takes.

    A model includes its `init`. The name and direction of the metric are used in any case.

    Raises:
        UserError: the module's `_target_` cannot be imported.

    """
    if "module" not in cfg:  # composed by a command other than train.py
        return frozenset(CHOICES)
    names = unset_arguments(cfg)
    return frozenset((names | {"init"} if "model" in names else names).intersection(CHOICES))


def without_effect(cfg: DictConfig) -> frozenset[str]:
    """Return the choices without effect on a run because its module does not take them."""
    return frozenset(CHOICES) - {"metric"} - accepted(cfg)


def unset_arguments(cfg: DictConfig) -> set[str]:
    """Return the arguments of the module's constructor that its node does not set."""
    by_position = len(cfg.module.get(ARGS) or ())
    return {*[*arguments(cfg.module.get(TARGET))][by_position:]} - {*cfg.module}


def nodes(cfg: DictConfig) -> dict[str, DictConfig]:
    """Return the nodes of a run to instantiate, by key, without the data."""
    groups = accepted(cfg)
    found = {group: cfg[group] for group in CHOICES if group in groups}
    found |= {place: cfg[place] for place in ("module", "trainer") if place in cfg}
    for group in ("callbacks", "logger"):
        each = (cfg[group] or {}).items()
        found |= {f"{group}.{name}": node for name, node in each if node is not None}
    return found


def check_config(cfg: DictConfig) -> None:
    """Check all nodes of a run against the shipped signatures.

    Raises:
        UserError: an argument is unknown, has a wrong type or is out of range.

    """
    for where, node in nodes(cfg).items():
        known_signatures.check(node, where)
    known_signatures.check_data(cfg.data)


def arguments(target: object) -> Iterable[str]:
    """Return the names of a module's constructor arguments; shipped modules are not imported."""
    known = known_signatures.parameters(target)
    return known or parameters(locate(target, "module"))


def check_typed(cfg: DictConfig, overrides: Iterable[str]) -> None:
    """Check that the module takes all choices that were typed; check the metric.

    Raises:
        UserError: a choice has no effect; names the override and the choices that have one.

    """
    takes, unused = accepted(cfg), without_effect(cfg)
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
    """Check that `metric=logged` is not used with a module that takes its metric as an argument.

    Raises:
        UserError: it is; names the metric and the module.

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
