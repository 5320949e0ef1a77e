"""YAML that somebody else may have written: plain data within limits, or a refusal."""

import re
from pathlib import Path
from typing import Any

import yaml

from quintet.base.errors import Code, UserError

LARGEST = 4 << 20
"""Bytes of a file."""
MOST, DEEPEST = 200_000, 50
"""Values in all, and levels of nesting."""
LONGEST = 400
"""Digits of a number; YAML's 1:30:00 takes quadratic time to read."""

_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Fast):  # type: ignore[misc]
    """Reads numbers and texts as OmegaConf writes them: 1e-3 is a number, a date is a text."""


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


def read(path: Path) -> Any:
    """Return what a file holds.

    Raises:
        UserError: a file that is no YAML, or one beyond the limits.

    """
    return parse(text(path), path)


def text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        UserError: it is large, or no text.

    """
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is not a regular file", code=Code.DAMAGED)
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise UserError(
            f"{path} is larger than {LARGEST >> 20} MB, the limit for a config", code=Code.DAMAGED
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not valid YAML: {error}", code=Code.DAMAGED) from error


def mapping(content: str, name: object) -> dict[str, Any]:
    """Return what the text of a config holds.

    Raises:
        UserError: as `parse`, or no mapping.

    """
    found = parse(content, name)
    if not isinstance(found, dict):
        raise UserError(
            f"{name} is not a config: it holds a {type(found).__name__}, not a mapping",
            code=Code.DAMAGED,
        )
    return found


def parse(content: str, name: object) -> Any:
    """Return what a text holds: dicts, lists, texts, numbers, switches and null.

    Args:
        content: the text.
        name: of its file, for messages.

    Raises:
        UserError: as `read`.

    """
    try:
        _measure(content, name)
        return yaml.load(content, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{name} is not valid YAML: {error}", code=Code.DAMAGED) from error


def _measure(content: str, name: object) -> None:
    """Refuse what would grow, or take long, when it is read; nothing has been built by then."""
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
