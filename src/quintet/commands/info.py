"""Facts for a bug report: versions, commit, devices, and the optional parts installed."""

import platform
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from quintet.base.paths import INSTALLED, ROOT


def report() -> str:
    """Return them as plain text, to be pasted into an issue."""
    from quintet.base.devices import available
    from quintet.training.outcome import git_state

    project = declared()
    git = git_state()
    commit = git.get("commit", "unknown")[:12] + (" with changes" if git.get("dirty") else "")
    lines = [
        f"{project['name']} {project['version']}, commit {commit}",
        f"Python {platform.python_version()} on {platform.platform(terse=True)}, {sys.executable}",
        available(),
        "",
        *states(project["dependencies"]),
        "",
        *extras(project),
    ]
    return "\n".join(lines)


def declared() -> dict[str, Any]:
    """Return the project's metadata, from pyproject.toml or the installed distribution."""
    if not INSTALLED:
        found = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
        return dict(found["project"])
    extras: dict[str, list[str]] = {}
    for line in metadata.requires("quintet") or ():
        requirement, _, extra = line.partition("; extra == ")
        extras.setdefault(extra.strip("\"'"), []).append(requirement)
    return {
        "name": "quintet",
        "version": metadata.version("quintet"),
        "dependencies": extras.pop("", []),
        "optional-dependencies": extras,
    }


def states(requirements: list[str]) -> Iterator[str]:
    """Yield a line for each requirement: its name, the installed version, the wanted one."""
    for requirement in requirements:
        name = named(requirement)
        wanted = requirement[len(name) :]
        yield f"  {name:<22} {version(name) or 'not installed':<16} {wanted}".rstrip()


def extras(project: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each optional part: the versions installed, or the command to install it."""
    for extra, requirements in project["optional-dependencies"].items():
        if extra == "all":
            continue
        found = {name: version(name) for name in map(named, requirements)}
        there = ", ".join(f"{name} {number}" for name, number in found.items() if number)
        missing = [name for name, number in found.items() if not number]
        remedy = f"without {', '.join(missing)}: pip install -e '.[{extra}]'" if missing else ""
        yield f"  [{extra}]".ljust(25) + "; ".join(filter(None, [there, remedy]))


def named(requirement: str) -> str:
    """Return the package name in a requirement.

    Examples:
        >>> named("torch>=2.8,<2.14"), named("psycopg[binary]>=3.2")
        ('torch', 'psycopg')

    """
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def version(name: str) -> str | None:
    """Return the installed version of a distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
