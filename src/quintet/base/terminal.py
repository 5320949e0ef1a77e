"""The terminal itself, to which no text sends more than characters to be seen."""

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from quintet.base.secrets import redact

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters of C0 and C1 but tab and line feed, and those that turn the direction."""


def everywhere(**options: Any) -> "Console":
    """Return a console of rich's that sends no control character of a text to the terminal.

    Names and reasons may come from a stranger's folder, and an escape sequence in them could move
    the cursor, rename the window or write the clipboard.
    """
    return _kind()(**options)


@cache
def _kind() -> "type[Console]":
    from rich.console import Console
    from rich.segment import Segment

    class Terminal(Console):
        def render_str(self, text: str, **options: Any) -> "Text":
            return super().render_str(redact(text), **options)  # half a secret on a line is one

        def _render_buffer(self, buffer: Iterable[Segment]) -> str:
            return super()._render_buffer(
                segment if segment.control else Segment(visible(segment.text), segment.style)
                for segment in buffer
            )

    return Terminal


def visible(text: str) -> str:
    r"""Return text with a question mark for each control or direction character but line ends.

    Examples:
        >>> visible("a\x1b[31mb")
        'a?[31mb'

    """
    return HIDDEN.sub("?", text)
