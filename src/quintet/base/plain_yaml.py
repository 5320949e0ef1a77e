"""YAML readers: one with limits for untrusted files, a fast one for the project's configs."""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from quintet.base.errors import Code, UserError

LARGEST = 4 << 20
"""Maximum bytes of a file."""
MOST, DEEPEST = 200_000, 50
"""Maximum number of values, and of nesting levels."""
LONGEST = 400
"""Maximum digits of a number; YAML's 1:30:00 takes quadratic time to parse."""

_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Fast):  # type: ignore[misc]
    """Resolves scalars as OmegaConf does: 1e-3 is a number, a date is a string."""


NUMBER = r"""[-+]?(?:
    [0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
  | [0-9][0-9_]*[eE][-+]?[0-9]+
  | \.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?
  | \.(?:inf|Inf|INF)
  )$ | \.(?:nan|NaN|NAN)$"""
_Loader.yaml_implicit_resolvers = {
    start: [each for each in found if not each[0].endswith((":timestamp", ":float"))]
    for start, found in _Loader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(NUMBER, re.VERBOSE), list("-+0123456789.")
)


def own_config(path: Path) -> Mapping[str, Any]:
    """Return the content of one of the project's own configs; {} if it is empty.

    The result is cached until the file changes, as a run reads every model's YAML several times.
    """
    state = path.stat()
    return _own_config(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1000)
def _own_config(path: Path, _changed: int, _size: int) -> Mapping[str, Any]:
    return yaml.load(path.read_text("utf-8"), Loader=_Loader) or {}


def read(path: Path) -> Any:
    """Return the content of a file.

    Raises:
        UserError: the file is not YAML, or exceeds the limits.

    """
    return parse(text(path), path)


def text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        UserError: the file is too large, or not text.

    """
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is not a regular file", code=Code.DAMAGED)
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    _check_bytes(content, path)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not valid YAML: {error}", code=Code.DAMAGED) from error


def check_size(content: str, name: object) -> None:
    """Check that a text is small enough to be read again once it is written.

    Raises:
        UserError: it is too large.

    """
    _check_bytes(content.encode(), name)
    _measure(content, name)


def _check_bytes(content: bytes, name: object) -> None:
    if len(content) > LARGEST:
        raise UserError(
            f"{name} is larger than {LARGEST >> 20} MB, the limit for a config", code=Code.DAMAGED
        )


def mapping(content: str, name: object) -> dict[str, Any]:
    """Return the mapping in a config's text.

    Raises:
        UserError: as in `parse`, or it is not a mapping.

    """
    found = parse(content, name)
    if not isinstance(found, dict):
        raise UserError(
            f"{name} is not a config: it holds a {type(found).__name__}, not a mapping",
            code=Code.DAMAGED,
        )
    return found


def parse(content: str, name: object) -> Any:
    """Return the data in a text: dicts, lists, strings, numbers, booleans and null.

    Args:
        content: the text.
        name: name of its file, for messages.

    Raises:
        UserError: as in `read`.

    """
    try:
        _measure(content, name)
        return yaml.load(content, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{name} is not valid YAML: {error}", code=Code.DAMAGED) from error


def _measure(content: str, name: object) -> None:
    """Raise an error for content that would expand or be slow to parse, before it is parsed."""
    values = depth = 0
    event: Any
    for event in yaml.parse(content, Loader=_Fast):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) is not None:
            what = "an alias (*)" if isinstance(event, yaml.AliasEvent) else f"the tag {event.tag}"
            raise UserError(
                f"{name}, line {event.start_mark.line + 1}, has {what}",
                code=Code.NOT_TRUSTED,
                allowed=["plain values, as train.py writes them"],
            )
        starts = isinstance(event, yaml.CollectionStartEvent)
        depth += starts - isinstance(event, yaml.CollectionEndEvent)
        values += starts or isinstance(event, yaml.ScalarEvent)
        if depth > DEEPEST or values > MOST:
            raise UserError(
                f"{name} has more than {MOST:,} values or {DEEPEST} levels, a config's limits",
                code=Code.DAMAGED,
            )
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
            text = event.value
            if len(text) > LONGEST and text.lstrip("-+.")[:1].isdigit():
                raise UserError(
                    f"{name} has a number of {len(text)} digits, over the limit of {LONGEST}",
                    code=Code.DAMAGED,
                )
