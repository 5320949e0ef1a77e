"""Compatibility checks of choices, which are fast because they only read the YAMLs."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from omegaconf import DictConfig

from quintet.base import paths, plain_yaml
from quintet.base.errors import Code, UserError
from quintet.config import further_metrics
from quintet.config.error_messages import FILLED_IN
from quintet.config.run_nodes import accepted

RANGES = {"seed": range(2**32), "threads": range(1, 1025)}


def check_keys(cfg: DictConfig) -> None:
    """Check that every top-level key is one of train.yaml, such as those of an experiment file.

    A key whose default in train.yaml is a number or boolean only accepts the same type, within
    `RANGES`.

    Raises:
        UserError: with the nearest key, or the allowed type or range.

    """
    defaults = top_level()
    for key, value in cfg.items():
        if key not in defaults:
            own = [k for k in defaults if k not in ("defaults", *FILLED_IN) and "hydra" not in k]
            raise UserError(
                "is not a key of the config", code=Code.UNKNOWN_NAME, key=str(key), allowed=own
            )
        allowed = type(defaults[str(key)])
        if allowed in (int, bool) and type(value) is not allowed:
            raise UserError(
                f"is of type {type(value).__name__}",
                code=Code.WRONG_TYPE,
                key=str(key),
                value=value,
                allowed=[allowed.__name__],
            )
        if key in RANGES and value not in RANGES[str(key)]:
            least, most = RANGES[str(key)][0], RANGES[str(key)][-1]
            raise UserError(
                "is out of range",
                code=Code.OUT_OF_RANGE,
                key=str(key),
                value=value,
                allowed=[f"{least} to {most}"],
            )
    _check_callbacks(cfg)


def _check_callbacks(cfg: DictConfig) -> None:
    """Raise an error for unknown callbacks, and for more than one kind of weight averaging."""
    files = paths.options("callbacks").values()
    known = {str(name) for path in files for name in plain_yaml.own_config(path)}
    for name, node in (cfg.callbacks or {}).items():
        if name not in known and (node is None or "_target_" not in node):
            raise UserError(
                "is not a callback of this project",
                code=Code.UNKNOWN_NAME,
                key=f"callbacks.{name}",
                allowed=known,
                hint="A callback of your own needs a _target_.",
            )
    if cfg.callbacks and cfg.callbacks.get("ema") and cfg.callbacks.get("swa"):
        raise UserError(
            "cannot be combined: each replaces the weights with its average, which the other would "
            "take for the weights",
            code=Code.CONFLICT,
            key="callbacks",
            value="[ema,swa]",
            hint="Choose one of them.",
        )


@cache
def top_level() -> dict[str, Any]:
    """Return the keys and groups of train.yaml with their defaults; a config has no others."""
    primary = dict(plain_yaml.own_config(paths.config("train")))
    groups = (str(key) for entry in primary["defaults"] if isinstance(entry, dict) for key in entry)
    names = (group.removeprefix("override ").lstrip("/").partition("@") for group in groups)
    return primary | {at or name: None for name, _, at in names}


def check_choices(cfg: DictConfig) -> None:
    """Check that module, loss, metric and model fit the data.

    The YAML of a data set states its `task` and `kind`. If they are only known once the data are
    read, as for a CSV, this is called again with the facts.

    Raises:
        UserError: a choice does not fit; lists the options of its group that do.

    """
    task = cfg.facts.task or cfg.data.get("task")
    kind = cfg.facts.kind or cfg.data.get("kind")
    need, what = model_need(task, kind)
    further_metrics.check(cfg, task)
    for misfit in _misfit(cfg, "module", task, f"a {task} task"):
        raise misfit  # first, since the module decides which of the others are used
    misfits = [
        *_misfit(cfg, "loss", task, f"a {task} task"),
        *_misfit(cfg, "metric", task, f"a {task} task"),
        *_misfit(cfg, "model", need, what),
    ]
    if len(misfits) == 1:
        raise misfits[0]
    if misfits:
        raise UserError(" ".join(map(str, misfits)), code=Code.INCOMPATIBLE)


def model_need(task: str | None, kind: str | None) -> tuple[str | None, str]:
    """Return the entry that a model needs under `fits`, and a description of it.

    The entry is the task if any model lists it, as for segmentation, whose models return an output
    for each pixel. Otherwise it is the kind of the inputs.
    """
    if task is not None and any(fitting("model", task)):
        return task, f"a {task} task"
    return kind, f"data of kind {kind}"


def _misfit(cfg: DictConfig, group: str, need: str | None, what: str) -> Iterator[UserError]:
    fits = (cfg.get(group) or {}).get("fits")
    takes_part = group == "module" or group in accepted(cfg)
    if takes_part and need is not None and fits is not None and need not in fits:
        yield UserError(
            f"does not fit {what}, only {', '.join(fits)}",
            code=Code.INCOMPATIBLE,
            key=group,
            value=choice(cfg, group),
            allowed=[f"{group}={name}" for name in fitting(group, need)],
        )


def choice(cfg: DictConfig, group: str) -> str:
    """Return the name of the option chosen for `group`, as on the command line."""
    return str(cfg.choices.get(group) or cfg[group].get("name") or cfg[group].get("_target_"))


def fitting(group: str, need: str) -> Iterator[str]:
    """Yield the options of a group that list `need` under `fits`."""
    for name, path in paths.options(group).items():
        if need in plain_yaml.own_config(path).get("fits", ()):
            yield name
