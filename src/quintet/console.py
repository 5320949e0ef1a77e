"""The terminal that a person reads: lines, sentences, warnings, commands to copy."""

import logging
import re
import shlex
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quintet.paths import INSTALLED, SCRIPTS
from quintet.quoting import quoted
from quintet.secrets import redact

if TYPE_CHECKING:
    from rich.console import Console


_muted = False
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters of C0 and C1 but tab and line feed, and those that turn the direction."""
LIBRARIES = ("lightning.pytorch", "lightning.fabric", "torch.onnx", "onnxscript", "onnx_ir")


def quiet(debug: bool) -> None:
    """Silence library messages that the user cannot act on; debug keeps them all."""
    if debug:
        return
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(lightning|torch|torchmetrics|copyreg)\b")
    warnings.filterwarnings(
        "ignore", message="The tensor attributes .* were assigned during export"
    )


def shortest(path: Path) -> str:
    """Return a path as a user would type it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def typed(path: Path) -> str:
    """Return a path as Hydra takes it after `key=`: short, and quoted where that is needed."""
    return quoted(shortest(path))


def command_line(script: str, *arguments: str) -> str:
    """Return a command as a user would type it from here."""
    start = ["quintet", script] if INSTALLED else ["python", shortest(SCRIPTS / f"{script}.py")]
    return shlex.join([*start, *arguments])


def say(template: str, *values: object) -> None:
    """Print a line, unwrapped so that paths and commands stay whole.

    Args:
        template: with rich markup, and a {} for each value.
        values: printed as they are, brackets and all.

    """
    from rich.markup import escape

    safe = [escape(value) if isinstance(value, str) else value for value in values]
    text = template.format(*safe) if values else template
    terminal().print(redact(text), highlight=False, soft_wrap=True)


def tell(text: str, mark: str = " ", style: str = "") -> None:
    """Print a sentence behind a mark, in a terminal wrapped under itself; elsewhere on one line."""
    from rich.table import Table
    from rich.text import Text

    console, safe = terminal(), redact(text)
    if not console.is_terminal:
        console.print(f"{mark} {plain(safe)}", highlight=False, soft_wrap=True)
        return
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(max_width=96)
    table.add_row(mark, Text(safe, style))
    console.print(table)


@contextmanager
def muted() -> Iterator[None]:
    """Say nothing of a run that is a part of a larger one; its bar and its warnings stay."""
    global _muted
    _muted, before = True, _muted
    try:
        yield
    finally:
        _muted = before


def warn(text: str) -> None:
    """Print a warning as it is, without markup."""
    shown = f"Warning: {redact(text)}"
    everywhere().print(shown, highlight=False, soft_wrap=True, markup=False)


def plain(text: str) -> str:
    """Return text in which rich finds no markup."""
    from rich.markup import escape

    return escape(text)


def terminal() -> "Console":
    """Return the terminal that a person reads."""
    return everywhere(quiet=_muted)


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
