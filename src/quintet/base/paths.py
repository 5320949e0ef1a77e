"""Paths of the project and its configs.

In a checkout everything is next to `src/`. If the engine is installed as a wheel, the project is
the working directory of a command; its `configs/`, if any, take precedence over the engine's.
"""

import os
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ENGINE = Path(__file__).parents[1]
CHECKOUT = ENGINE.parents[1]
INSTALLED = not (CHECKOUT / "configs" / "train.yaml").is_file()
ROOT = Path(os.environ.get("PROJECT_ROOT") or Path.cwd()) if INSTALLED else CHECKOUT
"""The project's folder: configs, pyproject.toml and, by default, logs."""

CONFIGS = (ENGINE if INSTALLED else CHECKOUT) / "configs"
"""The engine's configs."""

SCRIPTS = ENGINE / "scripts" if INSTALLED else CHECKOUT / "src"
"""The commands, one file each."""

SEARCHED = (ROOT / "configs", CONFIGS) if INSTALLED else (CONFIGS,)
"""Config folders in order of precedence: the first that has a file is used."""


def expand_home(path: str | Path) -> Path:
    """Return a path with `~` expanded; unchanged if there is no such user."""
    return Path(os.path.expanduser(path))


def also_search(folder: Path) -> None:
    """Add a config folder to the end of the search path, as Hydra does."""
    global SEARCHED
    if folder.is_dir() and folder not in SEARCHED:
        SEARCHED = (*SEARCHED, folder)


def find(name: str) -> Path | None:
    """Return the file of a config, such as `train` or `model/mlp`; None if there is none."""
    found = (folder / f"{name}.yaml" for folder in SEARCHED)
    return next((path for path in found if os.path.isfile(path)), None)  # no error if too long


def config(name: str) -> Path:
    """Return the file of one of the engine's configs."""
    return find(name) or CONFIGS / f"{name}.yaml"


def shown(path: Path) -> str:
    """Return the path of a config file relative to the project's folder."""
    folder = next(folder for folder in SEARCHED if path.is_relative_to(folder))
    return str(path.relative_to(folder.parent))


def options(group: str) -> dict[str, Path]:
    """Return the options of a group by name, each with its file."""
    folders = (folder / group for folder in reversed(SEARCHED))
    found = {path.stem: path for folder in folders for path in folder.glob("*.yaml")}
    return dict(sorted(found.items()))


def is_group(name: str) -> bool:
    """Return whether a group of this name exists."""
    return any(os.path.isdir(folder / name) for folder in SEARCHED)  # no error if too long


def groups() -> Iterator[str]:
    """Yield the names of the top-level groups."""
    folders = (path for folder in SEARCHED if folder.is_dir() for path in folder.iterdir())
    yield from sorted({path.name for path in folders if path.is_dir()})


@cache
def settings() -> dict[str, Any]:
    """Return `[tool.quintet]` of the project's pyproject.toml; {} if there is none."""
    path = ROOT / "pyproject.toml"
    if not path.is_file():
        return {}
    tools = tomllib.loads(path.read_text("utf-8")).get("tool", {})
    found: dict[str, Any] = tools.get("quintet", {})
    return found


def package() -> str | None:
    """Return the name of the team's own package, `[tool.quintet] project`."""
    return settings().get("project")
