"""Files that Hugging Face `datasets` reads, which takes their names for patterns and addresses."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from quintet.base.errors import Code, UserError

CHAIN = "::"
"""Between the parts of an address of fsspec, such as zip://a.csv::b.zip."""


def literally(files: Iterable[str | Path]) -> list[str]:
    """Return patterns that match only these files: `a[1].csv` alone would match a1.csv.

    Raises:
        UserError: a path that `datasets` would treat as a URL.

    """
    names = [str(file) for file in files]
    if chains := [name for name in names if CHAIN in name]:
        raise UserError(
            f"{chains[0]} has {CHAIN} in it, which datasets treats as a URL",
            code=Code.DATA,
            hint="Rename the file, or its folder.",
        )
    return [escape(name) for name in names]


@contextmanager
def understood(file: object, form: str) -> Iterator[None]:
    """Turn what the readers of `datasets` raise about what a file holds into one message.

    Args:
        file: that is read, or several, for the message.
        form: as which it is read.

    Raises:
        UserError: with the first line of the reason.
        OSError: another place cannot be used, such as the cache of `datasets`.

    """
    try:
        yield
    except UserError:
        raise
    except Exception as problem:  # datasets wraps whatever its readers raise
        if isinstance(problem, OSError) and problem.filename not in (None, str(file)):
            raise
        reason = str(problem.__cause__ or problem).strip().partition("\n")[0]
        raise UserError(
            f"{file} cannot be read as {form}: {reason}",
            code=Code.DAMAGED,
            hint="Text is UTF-8. All rows, and all files, need the same columns and types.",
        ) from problem
