"""Code that the config of a run folder may name; the folder is not trusted.

Configs composed from the user's `configs/` and command line may name anything importable.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from quintet.base import paths
from quintet.base.errors import Code, UserError
from quintet.config.building_blocks import ENGINE, FAMILIES, ONE_BY_ONE, home, is_in
from quintet.config.signature import is_path, locate

VARIABLE = "env:"
LOGGER = "logger"
"""`trust=logger`: resume a run with the trackers that its folder names."""
REFERENCE = re.compile(r"(?<!\\)\$\{\s*oc\.env\s*:\s*([A-Za-z_]\w*)\s*(?:,([^{}]*))?\}")
"""A reference to the environment, with an optional default."""
ELSEWHERE = ("logger", "sweeper", "search_space", "hydra", "paths")
"""Parts of a folder's config that are never used: the user's configs replace them."""


@dataclass(frozen=True)
class Trust:
    """Code and variables that a folder's config may name in addition to the building blocks.

    Args:
        names: packages, modules, classes and functions.
        variables: environment variables.
        logger: whether a run is resumed with the trackers that its folder names.

    """

    names: frozenset[str] = field(default_factory=frozenset)
    variables: frozenset[str] = field(default_factory=frozenset)
    logger: bool = False

    @classmethod
    def of(cls, words: object) -> "Trust":
        """Return the trust given by `trust=`, pyproject.toml and the team's own packages.

        Raises:
            UserError: an entry is not a package, `env:NAME` or `logger`.

        """
        listed = isinstance(words, Iterable) and not isinstance(words, str)
        typed: list[object] = [*cast(Iterable[object], words)] if listed else [words]
        typed = [] if words is None else typed
        names, variables, logger = set(_own_packages()), set(), False
        for word in [*typed, *_in_pyproject()]:
            text = str(word)
            if text == LOGGER:
                logger = word in typed  # only for this command, since it concerns a single folder
            elif text.startswith(VARIABLE) and text.removeprefix(VARIABLE).isidentifier():
                variables.add(text.removeprefix(VARIABLE))
            elif text.isidentifier() or is_path(text):
                names.add(text)
            else:
                raise UserError(
                    "cannot be trusted",
                    code=Code.WRONG_TYPE,
                    key="trust",
                    value=word,
                    allowed=[
                        "a package or the path of a class or function",
                        f"{VARIABLE}<NAME> for an environment variable",
                        LOGGER,
                    ],
                    hint="Give several as trust=[a,b].",
                )
        return cls(frozenset(names), frozenset(variables), logger)

    @classmethod
    def own(cls, cfg: DictConfig) -> "Trust":
        """Return the trust that the folder of a run with the user's own config needs."""
        plain = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=False))
        return cls.of([*(cfg.get("trust") or ()), *words(plain)])

    def allows(self, path: object, group: str, where: str) -> bool:
        """Return whether a `_target_` in a config group may be called.

        Args:
            path: value of `_target_`.
            group: first part of its key.
            where: its key, for messages.

        Raises:
            UserError: the target is allowed but does not exist.

        """
        if not is_path(path):
            return False
        text = str(path)
        if text in (*self.names, *ONE_BY_ONE.get(group, ())):
            return True
        vouched = [name for name in self.names if text.startswith(f"{name}.")]
        families = [f for f in FAMILIES.get(group, ()) if f.offers(text)]
        if not vouched and not families:
            return False
        # Objects that a module imports are reachable through it, but are not covered by its name.
        found = locate(text, where)
        return is_in(home(found), vouched) or any(family.has(found) for family in families)


NOTHING = Trust()


def words(config: dict[str, Any]) -> list[str]:
    """Return the `trust=` entries that the folder of a run with this config needs.

    Args:
        config: unresolved config as plain data.

    """
    found = set()
    for group, part in config.items():
        families, listed = FAMILIES.get(group, ()), ONE_BY_ONE.get(group, ())
        paths = _values(part, "_target_") if group in FAMILIES else ()
        named = {str(path) for path in paths if is_path(path) and path not in listed}
        named -= {path for path in named if path.partition(".")[0] in _own_packages()}
        found |= {path for path in named if not any(f.offers(path) for f in families)}
        if group not in ELSEWHERE:
            found |= {f"{VARIABLE}{name}" for name in _variables(part)}
    return sorted(found)


def as_override(words: Iterable[str]) -> list[str]:
    """Return the entries as an override for another command; [] if there are none.

    Examples:
        >>> as_override(["timm", "env:DATA"]), as_override([])
        (['trust=[timm,env:DATA]'], [])

    """
    listed = ",".join(words)
    return [f"trust=[{listed}]" if "," in listed else f"trust={listed}"] if listed else []


def _values(value: Any, wanted: str) -> Iterator[Any]:
    """Yield the values of a key, at any depth."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == wanted:
                yield each
            yield from _values(each, wanted)
    elif isinstance(value, list):
        for each in value:
            yield from _values(each, wanted)


def _variables(value: Any) -> set[str]:
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return set().union(*map(_variables, parts))
    return {name for name, _ in REFERENCE.findall(value)} if isinstance(value, str) else set()


@cache
def _own_packages() -> set[str]:
    """Return the team's own packages: the project, and any others next to the engine in `src`."""
    found = {paths.package()} - {None}
    if not paths.INSTALLED:
        found |= {path.parent.name for path in paths.SCRIPTS.glob("*/__init__.py")}
    return cast(set[str], found) - {ENGINE}


def _in_pyproject() -> list[str]:
    return [str(word) for word in paths.settings().get("trusted", [])]
