"""The objectives of a sweep in addition to the primary metric: `objectives={parameters: min}`.

The primary metric is always the first objective. Options of the group `metric` are computed as
further metrics; `parameters` and `batch_seconds` are available in every run; any other name is one
that a module logs.
"""

from collections.abc import Iterable, Mapping
from typing import Any, SupportsFloat

from omegaconf import DictConfig

from quintet.artifacts.record import Record
from quintet.base.errors import Code, UserError
from quintet.config import further_metrics
from quintet.config.instantiate import TARGET
from quintet.config.run_nodes import SUPERVISED

KEY = "objectives"
PARAMETERS, BATCH_SECONDS = "parameters", "batch_seconds"
"""Objectives available in every run: the number of parameters, and the seconds per training batch,
which are those of an epoch including validation, divided by its batches."""
HAD_BY_ALL = {PARAMETERS: "min", BATCH_SECONDS: "min"}
MODES = ("min", "max")


def given(cfg: DictConfig) -> dict[str, str]:
    """Return the objectives that a config names, by name; {} if it names none.

    Raises:
        UserError: `objectives` is not a mapping of names to directions.

    """
    named = cfg.get(KEY)
    if not named:
        return {}
    if not isinstance(named, Mapping):
        raise UserError(
            "is not a mapping of objectives to directions",
            code=Code.WRONG_TYPE,
            key=KEY,
            value=named,
            hint=f"Give it as {KEY}={{parameters:min}}",
        )
    for name, mode in named.items():
        if mode not in MODES:
            raise UserError(
                "is not a direction",
                code=Code.UNKNOWN_NAME,
                key=f"{KEY}.{name}",
                value=mode,
                allowed=MODES,
            )
    return {str(name): str(mode) for name, mode in named.items()}


def of(cfg: DictConfig) -> dict[str, str]:
    """Return the direction of each objective of a sweep, the primary metric first; {} if none.

    Args:
        cfg: config of one of its trials.

    Raises:
        UserError: an objective is unknown or has the wrong direction, or there is only one.

    """
    if not (named := given(cfg)):
        return {}
    found = {cfg.metric.name: cfg.metric.mode} | named
    options = further_metrics.options()
    known: dict[str, Any] = HAD_BY_ALL | {n: node["mode"] for n, node in options.items()}
    known[cfg.metric.name] = cfg.metric.mode
    for name, mode in found.items():
        if name in known and known[name] != mode:
            raise UserError(
                f"is the wrong way round: the best {name} is the "
                f"{'smallest' if known[name] == 'min' else 'greatest'}",
                code=Code.CONFLICT,
                key=f"{KEY}.{name}",
                value=mode,
                hint=f"Give {KEY}.{name}={known[name]}",
            )
        check_measured(cfg, KEY, name)
    if len(found) == 1:
        raise UserError(
            "names the metric that decides alone",
            code=Code.CONFLICT,
            key=KEY,
            value=dict(named),
            hint=f"Add another, such as {KEY}={{parameters:min}}, or leave it out",
        )
    return found


def check_measured(cfg: DictConfig, key: str, name: str) -> None:
    """Refuse a name that no trial measures, as far as that can be known.

    Args:
        cfg: of a trial.
        key: of the config, where the name was given.
        name: of an objective, or of what a constraint bounds.

    Raises:
        UserError: it is neither a metric nor what every run has.

    """
    known = [*HAD_BY_ALL, *further_metrics.options()]
    if name not in (*known, cfg.metric.name) and cfg.module.get(TARGET) == SUPERVISED:
        raise UserError(
            "is not measured", code=Code.UNKNOWN_NAME, key=key, value=name, allowed=known
        )


def compared_by(cfg: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a trial tells its sweep in addition to its metric, as the config names it."""
    named = (name for key in further_metrics.COMPARED for name in cfg.get(key) or ())
    return tuple(dict.fromkeys(map(str, named)))


def measured(
    names: Iterable[str],
    logged: Mapping[str, SupportsFloat],
    parameters: int,
    batch_seconds: float | None,
) -> dict[str, float]:
    """Return the known values of objectives by name.

    Args:
        names: names of the objectives.
        logged: values logged on validation data, by name.
        parameters: number of parameters.
        batch_seconds: seconds per batch; None if unknown.

    """
    own = {PARAMETERS: parameters, BATCH_SECONDS: batch_seconds}
    found = {name: own[name] if name in own else logged.get(name) for name in names}
    return {name: float(value) for name, value in found.items() if value is not None}


def recorded(names: Iterable[str], record: Record) -> dict[str, float]:
    """Return the known values of objectives of a finished run."""
    batches = record.epochs * (record.facts.get("steps_per_epoch") or 0)
    seconds = record.seconds / batches if batches else None
    return measured(names, record.validation, record.parameters, seconds)
