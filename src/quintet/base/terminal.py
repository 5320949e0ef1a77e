"""Terminal output without control characters."""

import re
import textwrap
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from quintet.base.secrets import redact

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters (C0 and C1) except tab and line feed, and directional characters."""


def everywhere(**options: Any) -> "Console":
    """Return a rich console that replaces the control characters in a text.

    Names and messages may come from an untrusted folder, and an escape sequence in them could move
    the cursor, rename the window or write to the clipboard.
    """
    return _kind()(**options)


@cache
def _kind() -> "type[Console]":
    from rich.console import Console
    from rich.segment import Segment

    class Terminal(Console):
        def render_str(self, text: str, **options: Any) -> "Text":
            return super().render_str(redact(text), **options)  # before a secret is wrapped

        def _render_buffer(self, buffer: Iterable[Segment]) -> str:
            return super()._render_buffer(
                segment if segment.control else Segment(visible(segment.text), segment.style)
                for segment in buffer
            )

    return Terminal


def visible(text: str) -> str:
    r"""Replace control and directional characters in a text by ?, except line breaks.

    Examples:
        >>> visible("a\x1b[31mb")
        'a?[31mb'

    """
    return HIDDEN.sub("?", text)


def filled(text: str, width: int) -> str:
    """Return a text whose lines are broken between words; one with a command stays, to be copied.

    Examples:
        >>> print(filled("Allowed: adam, sgd", 14))
        Allowed: adam,
        sgd

    """
    return "\n".join(
        line
        if "python " in line or "`" in line
        else textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n")
    )
