"""A sweep's own settings and its place, checked before a study is begun with them."""

import re
from pathlib import Path

from omegaconf import DictConfig

from quintet.base.errors import UserError, nearest

COUNTS = ("n_trials", "slots", "workers", "give_up_after", "ensemble")
MAY_BE_NULL = ("n_trials", "ensemble")
ISOLATIONS = ("fork", "process")
LONGEST = 200
"""Bytes of a study's name; file systems take 255."""


def check(config: DictConfig) -> None:
    """Refuse settings with which no trial could run, or with which a sweep would never end.

    Raises:
        UserError: with what is allowed.

    """
    settings = config.sweeper
    if config.get("resume"):
        raise UserError(
            f"resume={config.resume} goes on with one run, and a sweep begins new ones. Leave out "
            "-m to go on with that run; study=<name> goes on with a sweep."
        )
    for key in COUNTS:
        value = settings[key]
        if not _whole(value, 1) and not (key in MAY_BE_NULL and value is None):
            raise UserError(f"sweeper.{key}={value}: give a whole number from 1 on.")
    if settings.workers > 1 and config.hydra.runtime.choices["hydra/launcher"] == "basic":
        raise UserError(
            f"sweeper.workers={settings.workers} is for the jobs of another hydra/launcher, such "
            "as workers_slurm. On this machine, trials at a time are sweeper.slots=."
        )
    if type(settings.look) is not bool:
        raise UserError(f"sweeper.look={settings.look}: give true or false.")
    for key in ("storage", "warm_start"):
        if not isinstance(settings[key], str | None):
            raise UserError(f"sweeper.{key}={settings[key]}: give a text, or null for none.")
    if not _whole(settings.seed, 0):
        raise UserError(f"sweeper.seed={settings.seed}: give a whole number from 0 on.")
    limit = settings.timeout
    if limit is not None and not (type(limit) in (int, float) and limit > 0):
        raise UserError(
            f"sweeper.timeout={limit}: give seconds, a number above 0, or null for no end."
        )
    if settings.isolation not in ISOLATIONS:
        raise UserError(
            f"sweeper.isolation={settings.isolation}: there is no such way to start a trial. "
            + nearest(str(settings.isolation), ISOLATIONS)
        )


def _whole(value: object, least: int) -> bool:
    return type(value) is int and value >= least


def folder(config: DictConfig) -> Path:
    """Return where the sweep is written: `study=` beside the others, or hydra.sweep.dir=.

    Raises:
        UserError: a name that is no folder's, or two places.

    """
    study, given = config.study, str(config.hydra.sweep.dir)
    placed = any(o.startswith("hydra.sweep.dir=") for o in config.hydra.overrides.hydra)
    if not given.strip():
        raise UserError("hydra.sweep.dir= names no folder. Give one, or name the sweep by study=.")
    if study is None:
        return Path(given).resolve()
    if placed:
        raise UserError(
            f"study={study} and hydra.sweep.dir={given} both say where the sweep goes. Give one."
        )
    name = str(study)
    fits = re.fullmatch(r"\w[\w.+-]*", name) and len(name.encode()) <= LONGEST
    if type(study) not in (str, int) or not fits:
        read = "" if isinstance(study, str) else f" (read as a {type(study).__name__})"
        plain = re.sub(r"[^\w.+-]+", "_", name).lstrip(".+-")[:40]
        raise UserError(
            f"study={name!r}{read} is no name for a sweep, whose folder is called so. Allowed: "
            f"letters, digits and _ . + -, the first no sign but _, up to {LONGEST} bytes"
            + (f", such as study={plain}_1" if plain else "")
            + ". hydra.sweep.dir=<folder> puts a sweep anywhere."
        )
    return (Path(given).parent / name).resolve()
