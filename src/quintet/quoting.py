"""Text as Hydra's command line takes it, whatever characters it has."""

import re
from pathlib import Path

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
    return "'" + re.sub(r"(\\*)('|$)", _escaped, text) + "'"


def read(typed: str) -> str:
    """Return the text that Hydra makes of what was typed after `key=`; "" of null."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    value = OverridesParser.create().parse_override(f"key={typed}").value()
    return "" if value is None else str(value)


def _escaped(found: re.Match[str]) -> str:
    backslashes, quote = found.groups()
    return backslashes * 2 + ("\\'" if quote else "")
