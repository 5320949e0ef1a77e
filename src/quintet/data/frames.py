"""Read a csv or parquet file into columns of four plain types, with messages a user can act on."""

import csv
import gzip
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quintet.base.errors import Code, UserError

if TYPE_CHECKING:
    import pandas as pd

MISSING = {"", "na", "n/a", "nan", "null", "none", "?", "<na>", "#n/a"}
"""Cells, in lower case, that mean "no value"."""
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
PARQUET = (".parquet", ".pq")


def read_frame(
    path: str | Path | None, separator: str | None = None, encoding: str = "utf-8-sig"
) -> "pd.DataFrame":
    """Read a table; parquet by its suffix, else text with a header line.

    Args:
        path: the file; text may be compressed (.gz).
        separator: character between two cells; found by itself where None.
        encoding: of a text file; the default is UTF-8 with or without a byte order mark.

    Returns:
        A frame whose columns are float64, bool, datetime64 or objects that are `str` or None.

    Raises:
        UserError: no such file, unreadable, empty, another separator, columns of one name.

    """
    import pandas as pd

    file = existing(path)
    if file.suffix.lower() in PARQUET:
        frame = _read_parquet(file)
    else:
        frame = _read_text(file, separator, encoding)
    names = [str(name).strip() for name in frame.columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(
            f"{file}: two columns are named '{twice[0]}'.",
            code=Code.DATA,
            hint="Rename one of them",
        )
    if not len(frame):
        raise UserError(f"{file} has a header but no rows", code=Code.DATA)
    frame.columns = names
    frame = frame.reset_index(drop=True)
    return pd.DataFrame({name: plain(frame[name]) for name in names})


def existing(path: str | Path | None) -> Path:
    """Return the path of a file that is there."""
    if path is None:
        raise UserError(
            "No file is given",
            code=Code.MISSING_VALUE,
            hint="Give data.path=<file> (for predict.py, input=<file>)",
        )
    file = Path(path).expanduser()
    if file.is_dir():
        raise UserError(f"{file} is a folder", code=Code.NOT_FOUND, hint="Give a file in it")
    if not file.is_file():
        siblings = [p.name for p in file.parent.glob("*") if p.is_file()]
        raise UserError(
            f"There is no file {file}",
            code=Code.NOT_FOUND,
            value=file.name,
            allowed=siblings[:20],
            hint="" if siblings else "Its folder has no files",
        )
    if not file.stat().st_size:
        raise UserError(f"{file} is empty (0 bytes)", code=Code.DATA)
    return file


def require(names: list[str], frame: "pd.DataFrame", option: str) -> None:
    """Check that the columns which an option names are there."""
    for name in names:
        if name not in frame.columns:
            raise UserError(
                "is not a column of the data",
                code=Code.UNKNOWN_NAME,
                key=option,
                value=name,
                allowed=frame.columns,
            )


def _read_parquet(file: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        return pd.read_parquet(file)
    except ImportError as problem:
        raise UserError(
            f"{file}: reading parquet needs the package pyarrow",
            code=Code.UNAVAILABLE,
            hint="`pip install pyarrow`",
        ) from problem
    except Exception as problem:  # pyarrow has many kinds of error for a broken file
        raise UserError(
            f"{file} is not a readable parquet file: {problem}", code=Code.DAMAGED
        ) from problem


def _read_text(file: Path, separator: str | None, encoding: str) -> "pd.DataFrame":
    import pandas as pd

    lines = _first_lines(file, encoding)
    found = _sniff(lines)
    chosen = separator or found
    if separator and separator != found and _width(lines, separator) == 1 < _width(lines, found):
        raise UserError(
            f"does not separate the cells of {file}; it looks like a {SEPARATORS[found]}",
            code=Code.INCOMPATIBLE,
            key="data.separator",
            value=f"'{separator}'",
            hint=f"Give data.separator='{found}' or leave it out",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                file, sep=chosen, encoding=encoding, dtype=str, keep_default_na=False,
                index_col=False, skipinitialspace=True, header=None,
            ).pipe(_header)  # fmt: skip
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error, OSError) as problem:
        raise UserError(
            f"{file} cannot be read with '{chosen}' between cells: {problem}",
            code=Code.DAMAGED,
            hint="Repair that line, quote cells that hold the separator, or give data.separator",
        ) from problem


def _header(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Take the first row as the column names; a nameless column is called by its position."""
    names = [
        str(cell).strip() if str(cell).strip().lower() not in MISSING else f"column_{number}"
        for number, cell in enumerate(frame.iloc[0], start=1)
    ]
    frame = frame.iloc[1:]
    frame.columns = names
    return frame


def _first_lines(file: Path, encoding: str) -> list[str]:
    """Return up to 50 lines of the file that hold something."""
    opener: Any = gzip.open if file.suffix.lower() == ".gz" else open
    try:
        with opener(file, "rt", encoding=encoding, newline="") as text:
            lines = [line for _, line in zip(range(50), text, strict=False) if line.strip()]
    except (UnicodeError, LookupError) as problem:
        raise UserError(
            f"{file} is not text in {encoding}: {problem}",
            code=Code.DAMAGED,
            hint="Give data.encoding=, for example latin-1 or utf-16",
        ) from problem
    except OSError as problem:
        raise UserError(f"{file} cannot be read: {problem}", code=Code.DAMAGED) from problem
    if not lines:
        raise UserError(f"{file} holds nothing but blank lines", code=Code.DATA)
    if any("\0" in line for line in lines):
        raise UserError(f"{file} is not a text table: it holds NUL bytes", code=Code.DAMAGED)
    return lines


def _sniff(lines: list[str]) -> str:
    """Return the separator that cuts the lines into the most cells, equally many in each."""

    def rate(separator: str) -> tuple[bool, int]:
        widths = [len(row) for row in csv.reader(lines[:-1] or lines, delimiter=separator)]
        return len(set(widths)) == 1 and widths[0] > 1, _width(lines, separator)

    return max(SEPARATORS, key=rate)


def _width(lines: list[str], separator: str) -> int:
    return len(next(csv.reader(lines, delimiter=separator)))


def plain(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Turn a column into float64, bool, datetime64 (UTC) or objects that are str or None."""
    import pandas as pd

    kinds = pd.api.types
    if kinds.is_bool_dtype(column) and not column.isna().any():
        return column.astype(bool)
    if kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column):
        values = column.to_numpy(dtype="float64", na_value=float("nan"))
        return pd.Series(values, index=column.index)
    if kinds.is_datetime64_any_dtype(column):
        return pd.to_datetime(column, utc=True).dt.tz_localize(None)
    if kinds.is_timedelta64_dtype(column):
        return column.astype("timedelta64[ns]") / pd.Timedelta(seconds=1)
    cells = [None if cell is None or cell is pd.NA else str(cell).strip() for cell in column]
    plain = [None if cell is None or cell.lower() in MISSING else cell for cell in cells]
    return pd.Series(plain, index=column.index, dtype=object)
