"""References in the config of a folder: only to its own values, not to the environment."""

import os
import re
from typing import Any, cast

from quintet.base import paths
from quintet.base.errors import Code, UserError
from quintet.config.trust import ELSEWHERE, REFERENCE, VARIABLE, Trust

ROOTED = "PROJECT_ROOT"
"""Environment variable with the project's path."""
NODE = re.compile(r"\$\{(?:oc\.select:)?([A-Za-z_]\w*)((?:\.\w+)*)(?:,[\w.+-]*)?\}")
"""A reference to another key of the same config."""
DEEPEST, MOST = 4, 3
"""Maximum nesting depth and number of references in one string; limits exponential growth."""


def literal(value: Any) -> Any:
    r"""Escape a value for OmegaConf so that it is read literally.

    Examples:
        >>> literal("${oc.env:HOME}")
        '\\${oc.env:HOME}'

    """
    if isinstance(value, dict):
        return {key: literal(each) for key, each in value.items()}
    if isinstance(value, list):
        return [literal(each) for each in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"(\\*)\$\{", lambda m: m[1] * 2 + r"\${", value)


def substituted(text: str, trust: Trust, *, live: bool = False) -> str:
    """Replace the allowed references to the environment by their values; keep all others.

    Args:
        text: text in a folder's config.
        trust: variables that the config may refer to.
        live: whether the text will be resolved later: references to trusted variables are then
            kept, since their values may be secrets.

    Raises:
        UserError: an allowed variable is not set.

    """

    def known(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        if name == ROOTED:
            there: str | None = os.environ.get(ROOTED, str(paths.ROOT))
        elif name in trust.variables:
            there = os.environ.get(name, default)
        else:
            return found[0]
        if there is None:
            raise UserError(
                f"{found[0]} cannot be resolved: there is no environment variable {name}",
                code=Code.MISSING_VALUE,
                hint="Set it.",
            )
        if not live:
            return there
        return cast(str, literal(there)) if name == ROOTED else found[0]

    return REFERENCE.sub(known, text)


def check_references(
    text: str, place: str, config: dict[str, Any], trust: Trust, depth: int = 0
) -> str:
    """Raise an error for a reference to anything but a single value of the same config.

    References to trusted environment variables are allowed.
    """
    starts = [m for m in re.finditer(r"(\\*)\$\{", text) if len(m[1]) % 2 == 0]
    trusted = {m.start() for m in REFERENCE.finditer(text) if m[1] in trust.variables}
    starts = [m for m in starts if m.end() - 2 not in trusted]
    if depth > DEEPEST or len(starts) > MOST:
        raise _unbounded(place, text)
    for start in starts:
        found = NODE.match(text, start.end() - 2)
        if found is None and (outside := REFERENCE.match(text, start.end() - 2)):
            raise refusal(place, outside[1])
        if found is None or (found[1] in ELSEWHERE and found[1] != "paths"):
            raise UserError(
                "is not allowed: the config of a folder may only refer to its own values, as "
                "${optimizer.lr}",
                code=Code.NOT_TRUSTED,
                key=place,
                value=text,
                hint="Give this key on the command line, where it may refer to anything.",
            )
        there = value(config, found[1] + found[2])
        if isinstance(there, dict | list):
            raise _unbounded(place, text)
        if isinstance(there, str):
            check_references(there, place, config, trust, depth + 1)
    return text


def value(config: Any, key: str) -> Any:
    """Return the value at a key such as `data.path` in plain data; None if it is missing."""
    for part in key.split("."):
        if isinstance(config, list):
            config = config[int(part)] if part.isdecimal() and int(part) < len(config) else None
        else:
            config = config.get(part) if isinstance(config, dict) else None
    return config


def refusal(place: str, name: str) -> UserError:
    """Return the error for a key that refers to an untrusted variable."""
    return UserError(
        f"refers to the environment variable {name}, which a config that came with a folder may "
        "not read",
        code=Code.NOT_TRUSTED,
        key=place,
        hint=f"If {name} is not secret, allow it with trust={VARIABLE}{name} on the command line, "
        f'or with trusted = ["{VARIABLE}{name}"] under [tool.quintet] in pyproject.toml.',
    )


def _unbounded(place: str, text: str) -> UserError:
    return UserError(
        "refers to more than single values, or to too many",
        code=Code.NOT_TRUSTED,
        key=place,
        value=text,
        hint="Give this key on the command line.",
    )
