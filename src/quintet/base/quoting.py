"""Quoting for Hydra's command line."""

import os
import re
from pathlib import Path

from quintet.base.errors import Code, UserError

PLAIN = re.compile(r"(?:\.{0,2}/|[A-Za-z_])[\w./-]*", re.ASCII)
"""Text that needs no quotes."""
WORDS = ("null", "true", "false", "nan", "inf")


def quoted(value: str | Path) -> str:
    r"""Return a string or path for use after `key=`, quoted if needed.

    By Hydra's rules, a quote within quotes is escaped by a backslash; backslashes are special only
    before a quote, where they are doubled.

    Examples:
        >>> quoted("logs/run_1"), quoted("a b"), quoted("it's")
        ('logs/run_1', "'a b'", "'it\\'s'")

    """
    text = str(value)
    if PLAIN.fullmatch(text) and text.lower() not in WORDS:
        return text
    return "'" + re.sub(r"(\\*)('|\Z)", _escaped, text) + "'"


def typed_path(path: str, folder: Path) -> str:
    """Return a path for use after `key=` in a folder, unquoted if `with_paths` will quote it.

    Args:
        path: path relative to the folder, or absolute.
        folder: folder in which the command will be typed.

    """
    if PLAIN.fullmatch(path) or path[:1] in "'\"" or "${" in path:
        return quoted(path)
    return (path if os.sep in path else f"./{path}") if (folder / path).exists() else quoted(path)


def with_paths(arguments: list[str]) -> list[str]:
    """Quote each value that names an existing file or folder and that Hydra would misparse.

    So a path only needs quotes for the shell: run=logs/o'brien, data.path='a, b.csv'.

    Raises:
        UserError: a path contains ${, which a config would read as a reference.

    """
    return [_with_path(argument) for argument in arguments]


def _with_path(argument: str) -> str:
    key, equals, value = argument.partition("=")
    odd = equals and not PLAIN.fullmatch(value) and value[:1] not in "'\""
    if not odd or (os.sep not in value and "." not in value) or not os.path.exists(value):
        return argument
    refuse_reference(value)
    return f"{key}={value}" if _reads_as(value) == value else f"{key}={quoted(value)}"


def refuse_reference(path: str | Path) -> None:
    """Check that Hydra and OmegaConf can represent a path.

    Raises:
        UserError: the path contains ${.

    """
    if "${" in str(path):
        raise UserError(
            f"{path} contains ${{, which configs read as a reference to another key, so the path "
            "cannot be used",
            code=Code.USAGE,
            hint="Rename the folder or file, or reach it through a link without it.",
        )


def _reads_as(text: str) -> object:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(f"key={text}").value()
    except HydraException:
        return None


def read(typed: str) -> str:
    """Return the text that Hydra parses from what follows `key=`; "" for null."""
    value = _reads_as(typed)
    return "" if value is None else str(value)


def _escaped(found: re.Match[str]) -> str:
    backslashes, quote = found.groups()
    return backslashes * 2 + ("\\'" if quote else "")
