"""Where the project is, and its configs: a checkout's, or the user's own before the installed ones.

In a checkout everything stands beside `src/`. Where the engine is installed as a wheel, the project
is the folder that a command is started in; its `configs/`, if it has one, come before the engine's.
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
"""The project's folder: of its configs, its pyproject.toml and, by default, its logs."""

CONFIGS = (ENGINE if INSTALLED else CHECKOUT) / "configs"
"""The engine's configs."""

SCRIPTS = ENGINE / "scripts" if INSTALLED else CHECKOUT / "src"
"""The commands, a file each."""

SEARCHED = (ROOT / "configs", CONFIGS) if INSTALLED else (CONFIGS,)
"""Folders of configs; of two files of one name, the earlier folder's counts."""


def find(name: str) -> Path | None:
    """Return the file of a config, such as `train` or `model/mlp`; None if there is none."""
    found = (folder / f"{name}.yaml" for folder in SEARCHED)
    return next((path for path in found if path.is_file()), None)


def config(name: str) -> Path:
    """Return the file of a config of the engine's."""
    return find(name) or CONFIGS / f"{name}.yaml"


def shown(path: Path) -> str:
    """Return a config's file as it is called in the project."""
    folder = next(folder for folder in SEARCHED if path.is_relative_to(folder))
    return str(path.relative_to(folder.parent))


def options(group: str) -> dict[str, Path]:
    """Return the options of a group by name, each with its file."""
    folders = (folder / group for folder in reversed(SEARCHED))
    found = {path.stem: path for folder in folders for path in folder.glob("*.yaml")}
    return dict(sorted(found.items()))


def is_group(name: str) -> bool:
    """Tell whether there is a folder of options of that name."""
    return any((folder / name).is_dir() for folder in SEARCHED)


def groups() -> Iterator[str]:
    """Yield the names of the groups at the top."""
    folders = (path for folder in SEARCHED if folder.is_dir() for path in folder.iterdir())
    yield from sorted({path.name for path in folders if path.is_dir()})


@cache
def settings() -> dict[str, Any]:
    """Return `[tool.quintet]` of the project's pyproject.toml; {} where there is none."""
    path = ROOT / "pyproject.toml"
    if not path.is_file():
        return {}
    tools = tomllib.loads(path.read_text("utf-8")).get("tool", {})
    found: dict[str, Any] = tools.get("quintet", {})
    return found


def package() -> str | None:
    """Return the name of the team's own package, `[tool.quintet] project`."""
    return settings().get("project")
