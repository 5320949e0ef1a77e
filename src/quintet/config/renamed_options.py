"""Earlier names of options, which are still accepted, with a warning."""

import re
from collections.abc import Sequence

from quintet.base import console, paths

RENAMED = {"data": {"texts": "labelled_texts", "text_files": "corpus"}}
"""Current names of renamed options, by group and earlier name."""
WORD = re.compile(r"\w+")


def current(group: str, name: str) -> str | None:
    """Return the current name of an option; None if it has not changed.

    Examples:
        >>> current("data", "text_files"), current("data", "digits")
        ('corpus', None)

    """
    known = RENAMED.get(group, {})
    return known.get(name) if name not in paths.options(group) else None


def with_current_options(arguments: Sequence[str]) -> list[str]:
    """Replace earlier names of options in arguments, with a warning for each.

    Args:
        arguments: command-line arguments; those of a sweep may list options, `data=texts,digits`.

    """
    found = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        group = key.lstrip("+~")
        if equals and group in RENAMED:
            now = WORD.sub(lambda word: current(group, word[0]) or word[0], value)  # noqa: B023
            if now != value:
                console.warn(f"{key}={value} has another name now: {key}={now}")
                argument = f"{key}={now}"
        found.append(argument)
    return found
