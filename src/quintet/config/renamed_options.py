"""Earlier names of options: what was typed before still works, and says the current name."""

import re
from collections.abc import Sequence

from quintet.base import console, paths

RENAMED = {"data": {"texts": "labelled_texts", "text_files": "corpus"}}
"""By group: earlier names, and what they are now."""
WORD = re.compile(r"\w+")


def current(group: str, name: str) -> str | None:
    """Return what an option is called now; None where its name has not changed.

    Examples:
        >>> current("data", "text_files"), current("data", "digits")
        ('corpus', None)

    """
    known = RENAMED.get(group, {})
    return known.get(name) if name not in paths.options(group) else None


def with_current_options(arguments: Sequence[str]) -> list[str]:
    """Return arguments with the current names of options, and say what was replaced.

    Args:
        arguments: of a command line; the options of a sweep may be several, `data=texts,digits`.

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
