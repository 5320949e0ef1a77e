"""Patterns that choose parameters by name: names, globs and regular expressions.

A pattern may come with another person's run folder, and matching a few characters against a regular
expression such as `(a|a)*b` can take centuries, so expressions are limited in length and time.
"""

import time
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import regex

from quintet.base.errors import Code, UserError

LONGEST = 1000
"""Maximum number of characters of a regular expression."""
SECONDS = 2.0
"""Time limit for all expressions of a key."""


def matches(names: Iterable[str], patterns: Sequence[str], key: str) -> dict[str, list[str]]:
    """Return the names that each pattern matches.

    Args:
        names: names of parameters or buffers.
        patterns: each a name, the name of a module (everything in it), a glob, or a regular
            expression of the whole name.
        key: where the patterns were given, for messages.

    Raises:
        UserError: a regular expression is too long or takes too long.

    """
    listed, until = [*names], time.monotonic() + SECONDS
    return {p: [name for name in listed if _matches(name, p, key, until)] for p in patterns}


def _matches(name: str, pattern: str, key: str, until: float) -> bool:
    if name == pattern or name.startswith(f"{pattern}.") or fnmatchcase(name, pattern):
        return True
    if len(pattern) > LONGEST:
        raise _too_slow(f"has {len(pattern):,} characters", f"{pattern[:40]}...", key)
    left = max(until - time.monotonic(), 0.001)
    try:
        return regex.fullmatch(pattern, name, timeout=left) is not None
    except TimeoutError:
        raise _too_slow(f"takes more than {SECONDS:g} seconds to match", pattern, key) from None
    except (regex.error, ValueError, RecursionError):  # a glob such as *.weight
        return False


def _too_slow(why: str, pattern: str, key: str) -> UserError:
    return UserError(
        f"{why} as a regular expression",
        code=Code.OUT_OF_RANGE,
        key=key,
        value=pattern,
        hint="Write it without repetitions inside repetitions, or give names or globs",
    )
