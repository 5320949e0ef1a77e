"""Inspects the data of a sweep before anything is composed for its trials."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from omegaconf import DictConfig, OmegaConf

from quintet.base.console import say
from quintet.base.errors import UserError
from quintet.base.process import PARENT
from quintet.base.quoting import quoted
from quintet.study.overrides import for_trial, read

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader

FILE = "look.json"


def inspect_data(loader: "ConfigLoader", arguments: Iterable[str]) -> list[str]:
    """Return the choices that fit the data and that nobody has made, as overrides.

    `src/inspect_data.py` runs in a process of its own: a sweep's parent loads no torch.

    Args:
        loader: Hydra's.
        arguments: the overrides as they were typed.

    Raises:
        UserError: several data sets, or one that cannot be read.

    """
    overrides = read(arguments, loader)
    if swept := next(
        (o for o in overrides if o.key_or_group == "data" and o.is_sweep_override()), None
    ):
        raise UserError(
            f"{swept.input_line}: a first look is at one data set. Give one, or sweeper.look=false."
        )
    own = [str(o.input_line) for o in overrides if for_trial(o) and not o.is_sweep_override()]
    script = Path(sys.argv[0]).resolve().with_name("inspect_data.py")
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            str(script),
            *own,
            f"hydra.run.dir={quoted(folder)}",
            "hydra.mode=RUN",
        ]
        environment = {**os.environ, PARENT: str(os.getpid())}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            raise UserError(done.stderr.strip().removeprefix("Error: "))
        said = done.stdout.strip().splitlines()
        chosen = json.loads((Path(folder) / FILE).read_text())
    for line in said:
        say("{}", line)
    return [f"{group}={option}" for group, option in chosen.items()]


def apply_inspection(config: DictConfig, found: Iterable[str]) -> list[str]:
    """Write what a look has found for the sweep itself into its config, say so; return the rest.

    What was typed stays, and a strategy without such a setting goes without.
    """
    rest = []
    for override in found:
        key, _, value = override.partition("=")
        if not key.startswith("sweeper."):
            rest.append(override)
            continue
        typed = any(word.partition("=")[0] == key for word in config.hydra.overrides.task)
        if not typed and OmegaConf.select(config, key) is not None:
            OmegaConf.update(config, key, yaml.safe_load(value))
            say("fits      [bold]{}[/]", override)
    return rest
