"""Inspection of the data set, before any config of a trial is composed."""

import json
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from quintet.base import error_file, locks, plain_yaml
from quintet.base.console import say
from quintet.base.errors import Code, UserError
from quintet.base.quoting import quoted
from quintet.study.overrides import for_trial, read
from quintet.sweep.trial_process import LOCK, LOG, Start

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader

FILE, ERROR = "look.json", "error.json"


def inspect_data(
    loader: "ConfigLoader", arguments: Iterable[str], start: Start, seconds: float | None = None
) -> list[str]:
    """Return the choices that fit the data and that were not typed, as overrides.

    `src/inspect_data.py` runs in a process of its own, like a trial; this one does not load torch.

    Args:
        loader: Hydra's.
        arguments: the overrides as typed.
        start: how the process is started.
        seconds: that the sweep may take; None for no limit.

    Raises:
        UserError: several data sets, or one that cannot be read.

    """
    overrides = read(arguments, loader)
    if swept := next(
        (o for o in overrides if o.key_or_group == "data" and o.is_sweep_override()), None
    ):
        raise UserError(
            "cannot be swept: sweeper.look=true inspects one data set",
            code=Code.CONFLICT,
            key="data",
            value=swept.get_value_string(),
            hint="Give one, or sweeper.look=false",
        )
    own = [str(o.input_line) for o in overrides if for_trial(o) and not o.is_sweep_override()]
    script = Path(sys.argv[0]).resolve().with_name("inspect_data.py")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "run"
        command = [
            sys.executable,
            str(script),
            *own,
            f"hydra.run.dir={quoted(place)}",
            "hydra.mode=RUN",
            f"sweeper.timeout={'null' if seconds is None else seconds}",
        ]
        error_path = Path(folder) / ERROR
        code, output = _ended(start, command, Path(folder), {error_file.VARIABLE: str(error_path)})
        if code:
            raise error_file.read(error_path) or UserError(output, code=Code.FAILED)
        chosen = json.loads((place / FILE).read_text())
    for line in output.splitlines():
        say("{}", line)
    return [f"{group}={option}" for group, option in chosen.items()]


def _ended(
    start: Start, command: Sequence[str], folder: Path, extra: Mapping[str, str]
) -> tuple[int, str]:
    """Run a command to its end; return its exit code and what it printed."""
    lock = locks.take(folder / LOCK)
    assert lock is not None, f"{folder} is new"
    process = start(command, folder, 0, lock, extra)
    try:
        while (code := process.exit_code()) is None:
            time.sleep(0.02)
    finally:
        process.end()
        process.release_lock()
    return code, (folder / LOG).read_text(encoding="utf-8", errors="replace").strip()


def apply_inspection(config: DictConfig, found: Iterable[str]) -> list[str]:
    """Apply the overrides found for the sweeper to its config; return the others.

    Typed overrides are kept, and settings that the strategy does not have are skipped.
    """
    rest = []
    for override in found:
        key, _, value = override.partition("=")
        if not key.startswith("sweeper."):
            rest.append(override)
            continue
        typed = any(o.partition("=")[0] == key for o in config.hydra.overrides.task)
        if not typed and OmegaConf.select(config, key) is not None:
            OmegaConf.update(config, key, plain_yaml.parse(value, override))
            say("fits      [bold]{}[/]", override)
    return rest
