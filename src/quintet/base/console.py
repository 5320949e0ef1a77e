"""Console output: lines, warnings, and commands to copy."""

import logging
import shlex
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from quintet.base.paths import INSTALLED, SCRIPTS
from quintet.base.process import is_first_rank
from quintet.base.quoting import typed_path
from quintet.base.secrets import redact
from quintet.base.terminal import everywhere

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class CommandLine:
    """Folder and arguments of the current command, as typed; a run may change the working folder.

    Args:
        folder: working directory of the terminal.
        flags: Hydra's flags for the location of configs, such as `--config-dir=mine`.
        overrides: Hydra overrides, as typed.

    """

    folder: Path
    flags: Sequence[str] = ()
    overrides: Sequence[str] = ()


_muted = False
_current: CommandLine | None = None
LIBRARIES = ("lightning.pytorch", "lightning.fabric", "torch.onnx", "onnxscript", "onnx_ir")


def quiet(debug: bool) -> None:
    """Silence library messages that the user cannot act on, unless in debug mode."""
    if debug:
        return
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(lightning|torch|torchmetrics|copyreg)\b")
    warnings.filterwarnings(
        "ignore", message="The tensor attributes .* were assigned during export"
    )


@contextmanager
def using_command_line(line: CommandLine) -> Iterator[None]:
    """Within the block, print paths and commands relative to this command line's folder."""
    global _current
    _current, before = line, _current
    try:
        yield
    finally:
        _current = before


def current() -> CommandLine:
    """Return the current command line; in a script or notebook, one with only its folder."""
    return _current or CommandLine(Path.cwd())


def shortest(path: Path) -> str:
    """Return a path relative to the terminal's folder if it is inside it, else unchanged."""
    try:
        return str(path.resolve().relative_to(current().folder))
    except ValueError:
        return str(path)


def typed(path: Path) -> str:
    """Return a path for use after `key=` on the command line: short, and quoted if needed."""
    return typed_path(shortest(path), current().folder)


def command_line(script: str, *arguments: str) -> str:
    """Return a command as the user would type it in the terminal's folder."""
    start = ["quintet", script] if INSTALLED else ["python", shortest(SCRIPTS / f"{script}.py")]
    return shlex.join([*start, *arguments])


def train_line(*arguments: str) -> str:
    """Return a train.py command that searches the same config folders as the current command."""
    return command_line("train", *current().flags, *arguments)


def with_same_overrides(script: str) -> str:
    """Return a command that runs another script with the overrides of the current one."""
    kept = [word for word in current().overrides if not word.startswith(("hydra.", "resume="))]
    return command_line(script, *current().flags, *kept)


def say(template: str, *values: object) -> None:
    """Print a line without wrapping it, so that paths and commands can be copied.

    Args:
        template: text with rich markup and a {} for each value.
        values: values that are printed literally, including brackets.

    """
    safe = [plain(value) if isinstance(value, str) else value for value in values]
    text = template.format(*safe) if values else template
    terminal().print(text, highlight=False, soft_wrap=True)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show a spinner in a terminal during the block; it is erased afterwards."""
    console = terminal()
    if not console.is_terminal or not is_first_rank():
        yield
        return
    with console.status(f"[dim]{what}[/]", spinner="dots"):
        yield


def tell(text: str, mark: str = " ", style: str = "") -> None:
    """Print a sentence after a mark: wrapped and indented in a terminal, else on one line."""
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
    """Suppress the lines of a run that is part of a larger one, but not its bar and warnings."""
    global _muted
    _muted, before = True, _muted
    try:
        yield
    finally:
        _muted = before


def warn(text: str) -> None:
    """Print a warning literally, without markup."""
    everywhere().print(f"Warning: {text}", highlight=False, soft_wrap=True, markup=False)


def plain(text: str) -> str:
    """Redact the text, then escape rich's markup in it."""
    from rich.markup import escape

    return escape(redact(text))


def terminal() -> "Console":
    """Return the console for standard output."""
    return everywhere(quiet=_muted)
