"""Overrides from a folder that are safe to print in a command to copy.

A folder is untrusted, and an override can do more than choose a value: it can name a class to call,
a folder of configs, or a launcher's shell command. Such overrides are left out and listed, unless
they were typed for the command that prints them.
"""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from quintet.base import paths
from quintet.base.console import current
from quintet.base.hydra_internals import MULTIRUN_FLAGS, with_values

KEY = re.compile(r"(\+\+?|~)?[A-Za-z]\w*([./@:][A-Za-z]\w*)*", re.ASCII)
OPTION = re.compile(r"\w[\w-]*", re.ASCII)
SIMPLE = re.compile(
    r"(?!hydra\b)([A-Za-z]\w*(?:\.[A-Za-z]\w*)*)=(\w[\w-]*|\d+(?:\.\d+)?(?:e[+-]?\d+)?)", re.ASCII
)
"""An override with a safe form: a name or number for a key, or a name for a group."""
OF_HYDRA = ("hydra.run.dir", "hydra.sweep.dir", "hydra.mode", "hydra.job.chdir")
"""Hydra's settings that only set a path or mode; others configure loggers and shells."""


def is_safe(word: str) -> bool:
    """Return whether an override only chooses options and values: no class, reference or shell.

    Examples:
        >>> is_safe("optimizer.lr=0.1"), is_safe("model._target_=os.system")
        (True, False)

    """
    if isinstance(word, str) and (simple := SIMPLE.fullmatch(word)):
        key, value = simple.groups()
        return bool(OPTION.fullmatch(value)) or not paths.is_group(key)
    return _chooses(word)


def _chooses(word: str) -> bool:
    """Return the same with Hydra's parser, which is slow (1 ms) for the thousands of a sweep."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    if not isinstance(word, str) or not KEY.fullmatch(word.partition("=")[0]) or "${" in word:
        return False
    try:
        override = OverridesParser.create().parse_override(word)
    except (HydraException, RecursionError):
        return False
    return _is_safe(override)


def _is_safe(override: Any) -> bool:
    group, value = override.key_or_group, override.value()
    if "/" in group or paths.is_group(group):
        text = str(override.get_value_string())
        names = [n.strip("'\" ") for n in text.strip("[]").split(",")]
        fits = override.is_sweep_override() or all(OPTION.fullmatch(n) for n in names)
        return fits and "/" not in text and ".." not in text and _of_hydra(group, value)
    return _of_hydra(group, value) and _plain(value)


def _of_hydra(key: str, value: Any) -> bool:
    if not re.match(r"hydra\b", key):
        return True
    number = key.startswith("hydra.launcher.") and isinstance(value, int | float)
    return key == "hydra/launcher" or key in OF_HYDRA or number


def _plain(value: Any) -> bool:
    """Return whether no nested mapping has a key that is special to Hydra."""
    if isinstance(value, dict):
        keys = all(re.match(r"[A-Za-z]", str(getattr(key, "text", key))) for key in value)
        return keys and all(map(_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    return all(map(_plain, getattr(value, "list", ())))


def split_by_safety(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the overrides that are safe to copy, and those that are left out."""
    kept: list[str] = []
    out: list[str] = []
    own = {*current().overrides}
    for word in words:
        (kept if word in own or is_safe(word) else out).append(word)
    return kept, out


def overrides_of(command: str) -> tuple[list[str], list[str]]:
    """Return the overrides of a stored `python train.py ...`, split by safety; none for others.

    Flags for the location of configs are left out too; `console.train_line` adds the current ones.
    """
    try:
        program, script, *words = shlex.split(command)
    except ValueError:
        return [], [command]
    if program != "python" or Path(script).name != "train.py":
        return [], [command]
    words = with_values(words)
    flags = [word for word in words if word in MULTIRUN_FLAGS]
    kept, out = split_by_safety(
        word for word in words if word not in (*MULTIRUN_FLAGS, *current().flags)
    )
    return [*flags, *kept], out
