"""A sweep's own settings and folder, checked before its study is opened."""

import re
from pathlib import Path

from omegaconf import DictConfig, ListConfig

from quintet.base.errors import Code, UserError

COUNTS = ("n_trials", "slots", "workers", "give_up_after", "ensemble")
MAY_BE_NULL = ("n_trials", "ensemble")
ISOLATIONS = ("fork", "process")
LONGEST = 200
"""Maximum bytes of a study's name; file systems allow 255."""


def check(config: DictConfig) -> None:
    """Check the settings that would otherwise fail every trial or keep a sweep from ending.

    Raises:
        UserError: a setting has another type or value than allowed.

    """
    settings = config.sweeper
    if config.get("resume"):
        raise UserError(
            "continues one run, and a sweep starts new ones",
            code=Code.CONFLICT,
            key="resume",
            value=config.resume,
            hint="Leave out -m to continue that run; study=<name> continues a sweep",
        )
    for key in COUNTS:
        value = settings[key]
        if not _is_integer(value, 1) and not (key in MAY_BE_NULL and value is None):
            raise _not_allowed(key, value, "1 or more", number=True)
    if settings.workers > 1 and config.hydra.runtime.choices["hydra/launcher"] == "basic":
        raise UserError(
            "needs a hydra/launcher that starts jobs, such as workers_slurm",
            code=Code.CONFLICT,
            key="sweeper.workers",
            value=settings.workers,
            hint="sweeper.slots= is the number of concurrent trials on this machine",
        )
    if type(settings.look) is not bool:
        raise _not_allowed("look", settings.look, "true or false")
    for key in ("storage", "warm_start"):
        if not isinstance(settings[key], str | None):
            raise _not_allowed(key, settings[key], "a string, or null for none")
    if not _are_points(tried := settings["try"]):
        allowed = "the path of a CSV file, a list of mappings, or null for none"
        raise _not_allowed("try", tried, allowed)
    if settings.stack != "auto" and not _is_integer(settings.stack, 1):
        raise _not_allowed("stack", settings.stack, "auto, or an integer of at least 1")
    if settings.stop not in ("auto", None):
        raise UserError(
            "is not a stopping rule",
            code=Code.UNKNOWN_NAME,
            key="sweeper.stop",
            value=settings.stop,
            allowed=("auto", "null"),
        )
    if not _is_integer(settings.get("suggest", 0), 0):
        raise _not_allowed("suggest", settings.suggest, "0 or more", number=True)
    if not _is_integer(settings.seed, 0):
        raise _not_allowed("seed", settings.seed, "0 or more", number=True)
    limit = settings.timeout
    if limit is not None and not (type(limit) in (int, float) and limit > 0):
        allowed = "seconds, a number above 0, or null for no limit"
        raise _not_allowed("timeout", limit, allowed, number=True)
    if settings.isolation not in ISOLATIONS:
        raise UserError(
            "is not a way to start a trial",
            code=Code.UNKNOWN_NAME,
            key="sweeper.isolation",
            value=settings.isolation,
            allowed=ISOLATIONS,
        )


def check_least(node: str, **arguments: tuple[int, int]) -> None:
    """Check arguments of a sampler or scheduler.

    Args:
        node: `sampler` or `scheduler`.
        arguments: the value and the least value of each.

    Raises:
        UserError: a value is too small.

    """
    for name, (value, least) in arguments.items():
        if value < least:
            raise UserError(
                "is out of range",
                code=Code.OUT_OF_RANGE,
                key=f"sweeper.{node}.{name}",
                value=value,
                hint=f"Allowed: {least} or more",
            )


def _not_allowed(key: str, value: object, allowed: str, *, number: bool = False) -> UserError:
    """Return the error of a setting whose type or value does not fit."""
    in_type = type(value) in (int, float) if number else False
    return UserError(
        "is out of range" if in_type else f"is of type {type(value).__name__}",
        code=Code.OUT_OF_RANGE if in_type else Code.WRONG_TYPE,
        key=f"sweeper.{key}",
        value=value,
        hint=f"Allowed: {f'an integer, {allowed}' if allowed.endswith('or more') else allowed}",
    )


def _are_points(value: object) -> bool:
    if isinstance(value, ListConfig):
        return all(isinstance(point, DictConfig) for point in value)
    return isinstance(value, str | None)


def _is_integer(value: object, least: int) -> bool:
    return type(value) is int and value >= least


def folder(config: DictConfig) -> Path:
    """Return the sweep's folder: `study=` next to the other studies, or hydra.sweep.dir=.

    Raises:
        UserError: the name cannot be a folder's, or two folders are given.

    """
    study, given = config.study, str(config.hydra.sweep.dir)
    placed = any(o.startswith("hydra.sweep.dir=") for o in config.hydra.overrides.hydra)
    if not given.strip():
        raise UserError(
            "does not name a folder",
            code=Code.MISSING_VALUE,
            key="hydra.sweep.dir",
            value=given,
            hint="Give one, or name the sweep by study=<name>",
        )
    if study is None:
        return Path(given).resolve()
    if placed:
        raise UserError(
            f"and hydra.sweep.dir={given} both set the sweep's folder",
            code=Code.CONFLICT,
            key="study",
            value=study,
            hint="Give one of them",
        )
    name = str(study)
    fits = re.fullmatch(r"\w[\w.+-]*", name) and len(name.encode()) <= LONGEST
    if type(study) not in (str, int) or not fits:
        read = "" if isinstance(study, str) else f"(read as {type(study).__name__}) "
        plain = re.sub(r"[^\w.+-]+", "_", name).lstrip(".+-")[:40]
        raise UserError(
            f"{read}cannot name a sweep, since it also names the sweep's folder",
            code=Code.WRONG_TYPE if read else Code.OUT_OF_RANGE,
            key="study",
            value=repr(name),
            hint="Allowed: letters, digits and _ . + -, starting with a letter, a digit or _, up "
            f"to {LONGEST} bytes"
            + (f", such as study={plain}_1" if plain else "")
            + ". hydra.sweep.dir=<folder> puts a sweep anywhere",
        )
    return (Path(given).parent / name).resolve()
