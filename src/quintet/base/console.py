"""The terminal that a person reads: lines, sentences, warnings, commands to copy."""

import logging
import shlex
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from quintet.base.paths import INSTALLED, SCRIPTS
from quintet.base.quoting import quoted
from quintet.base.secrets import redact
from quintet.base.terminal import everywhere

if TYPE_CHECKING:
    from rich.console import Console


_muted = False
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
    safe = [plain(value) if isinstance(value, str) else value for value in values]
    text = template.format(*safe) if values else template
    terminal().print(text, highlight=False, soft_wrap=True)


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
    everywhere().print(f"Warning: {text}", highlight=False, soft_wrap=True, markup=False)


def plain(text: str) -> str:
    """Return text in which rich finds no markup, without secrets: with markup none is found."""
    from rich.markup import escape

    return escape(redact(text))


def terminal() -> "Console":
    """Return the terminal that a person reads."""
    return everywhere(quiet=_muted)
