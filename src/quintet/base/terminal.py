"""The terminal, to which only printable characters are sent."""

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from quintet.base.secrets import redact

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters (C0 and C1) except tab and line feed, and directional ones."""


def everywhere(**options: Any) -> "Console":
    """Return a rich console that sends no control characters of a text to the terminal.

    Names and reasons may come from an untrusted folder, and an escape sequence in them could move
    the cursor, rename the window or write the clipboard.
    """
    return _kind()(**options)


@cache
def _kind() -> "type[Console]":
    from rich.console import Console
    from rich.segment import Segment

    class Terminal(Console):
        def render_str(self, text: str, **options: Any) -> "Text":
            return super().render_str(redact(text), **options)  # a wrapped secret is still one

        def _render_buffer(self, buffer: Iterable[Segment]) -> str:
            return super()._render_buffer(
                segment if segment.control else Segment(visible(segment.text), segment.style)
                for segment in buffer
            )

    return Terminal


def visible(text: str) -> str:
    r"""Return text with control and directional characters replaced by ?, except line breaks.

    Examples:
        >>> visible("a\x1b[31mb")
        'a?[31mb'

    """
    return HIDDEN.sub("?", text)
