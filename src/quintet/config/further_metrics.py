"""Further metrics, `metrics=[f1,auc_roc]`, which are computed in addition to the primary metric.

On the command line `metrics` lists options of the group `metric`, or maps them to overrides of
their keys: `metrics={f1:{threshold:0.3}}`. In the config of a run it maps names to nodes, which are
instantiated like any other.
"""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, ListConfig, open_dict

from quintet.base import paths, plain_yaml
from quintet.base.errors import Code, UserError
from quintet.config.instantiate import NODE_KEYS, RESERVED, TARGET
from quintet.config.run_nodes import name, unset_arguments

KEY = "metrics"
COMPARED = ("objectives", "constraints")
"""The keys that name what the trials of a sweep are compared by, next to the metric."""


def expand(cfg: DictConfig) -> None:
    """Replace the names of the options by their nodes; idempotent.

    Raises:
        UserError: a metric is unknown, only computed by modules, or given twice.

    """
    given, traded = cfg.get(KEY), _traded_off(cfg)
    if not given and not traded:
        return
    changes = _by_name(given or [])
    changes |= {name: {} for name in traded if name not in changes}
    with open_dict(cfg):
        cfg[KEY] = {option: _node(option, changed) for option, changed in changes.items()}


def nodes(cfg: DictConfig) -> dict[str, DictConfig]:
    """Return the nodes of the further metrics by their key in the config."""
    return {f"{KEY}.{option}": node for option, node in (cfg.get(KEY) or {}).items()}


def names(cfg: Mapping[str, Any]) -> list[str]:
    """Return the names of the further metrics of a config, as logged under `val/`."""
    given = cfg.get(KEY) or {}
    return [str(node.get("name")) for node in given.values()] if isinstance(given, Mapping) else []


def check(cfg: DictConfig, task: str | None) -> None:
    """Check that the module takes further metrics and that they fit the task.

    Args:
        cfg: config after `expand`.
        task: task of the data; None if it is not known yet.

    Raises:
        UserError: they do not fit, or one of them is the primary metric.

    """
    given = cfg.get(KEY) or {}
    if given and KEY not in unset_arguments(cfg):
        raise UserError(
            f"has no effect: module={name(cfg)} does not take {KEY}",
            code=Code.INCOMPATIBLE,
            key=KEY,
            value=[*given],
            hint="Leave it out; what the module logs itself is recorded anyway.",
        )
    for option, node in given.items():
        if node.get("name") == cfg.metric.get("name"):
            raise UserError(
                f"has {option}, which is the metric that decides (metric=) and is measured anyway",
                code=Code.CONFLICT,
                key=KEY,
                value=[*cfg[KEY]],
                hint="Leave it out here, or choose another metric=.",
            )
        if task is not None and node.get("fits") is not None and task not in node.fits:
            raise UserError(
                f"has {option}, which does not fit a {task} task, only {', '.join(node.fits)}",
                code=Code.INCOMPATIBLE,
                key=KEY,
                value=[*cfg[KEY]],
                allowed=[each for each, own in options().items() if task in own.get("fits", ())],
            )


def _traded_off(cfg: DictConfig) -> list[str]:
    """Return the metrics that a sweep compares trials by, other than the primary one."""
    given = [named for key in COMPARED if isinstance(named := cfg.get(key), Mapping)]
    computed, decides = options(), cfg.metric.get("name")
    names = dict.fromkeys(str(name) for named in given for name in named)
    return [name for name in names if name in computed and name != decides]


def _by_name(given: Any) -> dict[str, Mapping[str, Any]]:
    if isinstance(given, DictConfig) and all(
        changed is None or isinstance(changed, Mapping) for changed in given.values()
    ):
        return {str(option): changed or {} for option, changed in given.items()}
    options = [given] if isinstance(given, str) else given
    if not isinstance(options, list | ListConfig) or not all(isinstance(n, str) for n in options):
        raise UserError(
            "is not a list of metrics",
            code=Code.WRONG_TYPE,
            key=KEY,
            value=given,
            hint=f"Give it as {KEY}=[f1,auc_roc].",
        )
    options = [str(option) for option in options]
    for option in options:
        if options.count(option) > 1:
            raise UserError(
                f"has {option} twice",
                code=Code.CONFLICT,
                key=KEY,
                value=options,
                hint=f"Leave one out: {KEY}=[{','.join(dict.fromkeys(options))}].",
            )
    return {option: {} for option in options}


def _node(option: str, changed: Mapping[str, Any]) -> Any:
    if TARGET in changed:
        return changed
    computed = options()
    if option not in computed:
        known = option in paths.options("metric")
        logged = "is computed by a module itself" if known else "is not a metric"
        raise UserError(
            f"has {option}, which {logged}",
            code=Code.UNKNOWN_NAME,
            key=KEY,
            value=option,
            allowed=computed,
        )
    own = computed[option]
    for key in changed.keys() - own.keys():
        raise UserError(
            "is not a key of this metric",
            code=Code.UNKNOWN_NAME,
            key=f"{KEY}.{option}.{key}",
            value=changed[key],
            allowed=own.keys() - RESERVED["metric"] - NODE_KEYS,
        )
    return own | dict(changed)


def options() -> dict[str, dict[str, Any]]:
    """Return the options of `metric` by name, except those that a module computes itself."""
    found = {
        option: dict(plain_yaml.own_config(path))
        for option, path in paths.options("metric").items()
    }
    return {option: node for option, node in found.items() if TARGET in node}
