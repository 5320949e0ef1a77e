"""Text as Hydra's command line takes it, whatever characters it has."""

import os
import re
from pathlib import Path

from quintet.base.errors import UserError

PLAIN = re.compile(r"(?:\.{0,2}/|[A-Za-z_])[\w./-]*", re.ASCII)
"""What Hydra reads as it stands, and no reader takes for a number or a list."""
WORDS = ("null", "true", "false", "nan", "inf")


def quoted(value: str | Path) -> str:
    r"""Return a text or path as Hydra takes it after `key=`: in quotes where it needs them.

    Hydra's rules: a quote within quotes has a backslash before it; backslashes count only where
    they come before a quote, and are doubled there.

    Examples:
        >>> quoted("logs/run_1"), quoted("a b"), quoted("it's")
        ('logs/run_1', "'a b'", "'it\\'s'")

    """
    text = str(value)
    if PLAIN.fullmatch(text) and text.lower() not in WORDS:
        return text
    return "'" + re.sub(r"(\\*)('|\Z)", _escaped, text) + "'"


def with_paths(arguments: list[str]) -> list[str]:
    """Quote what names a file or folder that is there and that Hydra would read as something else.

    So a path needs no quotes but the shell's: run=logs/o'brien, data.path='a, b.csv'.

    Raises:
        UserError: a path with ${ in it, which configs take for a reference wherever it stands.

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
    """Refuse a path that Hydra and OmegaConf cannot carry.

    Raises:
        UserError: it has ${ in it.

    """
    if "${" in str(path):
        raise UserError(
            f"{path} contains ${{, which configs read as a reference to another key, so the path "
            "cannot be used",
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
    """Return the text that Hydra makes of what was typed after `key=`; "" of null."""
    value = _reads_as(typed)
    return "" if value is None else str(value)


def _escaped(found: re.Match[str]) -> str:
    backslashes, quote = found.groups()
    return backslashes * 2 + ("\\'" if quote else "")
