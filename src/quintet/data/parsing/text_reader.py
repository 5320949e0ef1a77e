"""Read the cells of a text file, in one pass of pandas' C parser.

Measured on 500,000 rows of 30 columns, 96 MB, with pandas 3.1 and one thread, in CPU seconds:
pandas' C engine .5, its pyarrow engine 1.2, all cells as text and then converted 5 and more;
polars and pyarrow are faster on many cores only, and a further dependency. The C engine types a
column of plain numbers exactly, chunk by chunk; every other column is read as text, and each
distinct cell is then parsed once. Errors that the engine would ignore are found by `scan` first.
Its dtype "category" is not usable: it reads 007 as 7 and true as True.
"""

import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from quintet.base.errors import Code, UserError
from quintet.data.parsing.column_cells import Cells, of_text
from quintet.data.parsing.dialect import UNIT, Dialect, names, uncommented, with_units
from quintet.data.parsing.file_bytes import opened, undecodable
from quintet.data.parsing.numerals import EXACT, like_versions, may_be_labels, one_group
from quintet.data.parsing.rules import MISSING
from quintet.data.parsing.scan import scan

if TYPE_CHECKING:
    import pandas as pd

CHUNK, FIRST = 40_000, 2_000
"""Rows parsed at a time, and first rows from which columns of text are inferred."""
EMPTY = sorted({"", *MISSING, *map(str.upper, MISSING), *map(str.title, MISSING), "NaN", "<NA>"})
"""Spellings of "no value" that do not turn a column of numbers into text."""


def read(file: Path, dialect: Dialect, text: Collection[str] = (), decimal: str | None = None,
         missing: Collection[str] | None = None) -> list[Cells]:  # fmt: skip
    """Return the columns of a text file.

    Args:
        file: the file, which may be compressed.
        dialect: see `sniff`.
        text: columns to read as words, such as classes and dates.
        decimal: mark of numbers read as values, others are read as words; None for the one that
            more columns of the first rows have.
        missing: words that mean "no value"; None for the usual ones.

    Raises:
        UserError: two columns of one name, no rows, or what `scan` refuses.

    """
    titles = names(dialect)
    if twice := sorted({name for name in titles if titles.count(name) > 1}):
        raise UserError(
            f"{file}: two columns are named '{twice[0]}'",
            code=Code.DATA,
            hint="Rename one of them",
        )
    separator = UNIT if _is_rewritten(dialect) else dialect.separator
    encoding = dialect.encoding if _is_plain(file, dialect) else "utf-8"
    with _body(file, dialect) as handle:
        first_line = dialect.skip + dialect.lines + 1
        found = scan(file, handle, separator, dialect.width, first_line, encoding)
    if not found.rows:
        raise UserError(f"{file} has a header but no rows", code=Code.DATA)
    as_written = {at for at, name in enumerate(titles) if name in text or may_be_labels(name)}
    words = found.codes | as_written
    empty = EMPTY if missing is None else sorted({*missing, *map(str.upper, missing)})
    settings: dict[str, Any] = {
        "sep": separator, "encoding": encoding, "decimal": decimal or ".", "header": None,
        "names": range(dialect.width), "index_col": False, "keep_default_na": False,
        "skipinitialspace": True,
    }  # fmt: skip
    if decimal is None:
        settings["decimal"] = _usual_decimal(file, dialect, settings, empty)
        words |= _ambiguous(file, dialect, settings)
    columns, mixed = _pass(file, dialect, settings, empty, words, found.rows)
    if mixed:  # mixed numbers and text: the words are needed as written
        again, _ = _pass(file, dialect, settings, empty, mixed, found.rows, sorted(mixed))
        columns |= again
    for at, name in enumerate(titles):
        columns[at].name, columns[at].decimal = name, settings["decimal"]
    return [columns[at] for at in range(len(titles))]


def _usual_decimal(
    file: Path, dialect: Dialect, settings: dict[str, Any], empty: list[str]
) -> str:  # fmt: skip
    """Return the decimal mark with which the first rows have more columns of numbers."""
    import pandas as pd

    numeric = {}
    for mark in (".", ","):
        if mark == settings["sep"]:
            continue
        with _body(file, dialect) as handle:
            head = pd.read_csv(handle, nrows=FIRST, na_values=empty, **settings | {"decimal": mark})
        numeric[mark] = sum(dtype.kind in "iuf" for dtype in head.dtypes)
    return max(numeric, key=lambda mark: (numeric[mark], mark == "."))


def _ambiguous(file: Path, dialect: Dialect, settings: dict[str, Any]) -> set[int]:
    """Return columns whose numbers in the first rows may be thousands, such as 1.234.

    Or versions, such as 1.1 and 1.10.
    """
    import pandas as pd

    with _body(file, dialect) as handle:
        head = pd.read_csv(handle, nrows=FIRST, dtype=object, na_values=[""], **settings)
    mark = settings["decimal"]
    found = set()
    for at in head.columns:
        marked = (cell for cell in head[at].dropna() if mark in cell)
        first = next(marked, "")  # this one is enough for most columns
        groups = one_group(first.strip(), mark) and all(one_group(c.strip(), mark) for c in marked)
        versions = mark == "." and len(first) < 7 and like_versions([*head[at].dropna().unique()])
        if groups or versions:
            found.add(int(at))
    return found


def _pass(
    file: Path, dialect: Dialect, settings: dict[str, Any], empty: list[str], words: set[int],
    rows: int, only: list[int] | None = None,
) -> tuple[dict[int, Cells], set[int]]:  # fmt: skip
    """Read the file once; return its columns, and those that are neither numbers nor text."""
    import pandas as pd

    width = range(dialect.width) if only is None else only
    if only is None:
        with _body(file, dialect) as handle:
            head = pd.read_csv(handle, nrows=FIRST, na_values=empty, **settings)
        words = words | {at for at in width if head[at].dtype.kind not in "if"}
    columns = {at: _Words() if at in words else _Values(rows) for at in width}
    mixed: set[int] = set()
    marks: Any = {at: [""] if at in words else empty for at in width}
    with _body(file, dialect) as handle:
        chunks = pd.read_csv(
            handle, chunksize=CHUNK, usecols=only,
            dtype=dict.fromkeys(sorted(words & set(width)), object),
            na_values=marks, **settings,
        )  # fmt: skip
        for chunk in chunks:
            mixed |= {at for at in width if at not in mixed and not columns[at].add(chunk[at])}
    return {at: columns[at].cells() for at in width if at not in mixed}, mixed


class _Values:
    """Collects the chunks of a column of numbers; integers in the smallest type.

    They go into one array from the start: many small ones would fragment memory.
    """

    def __init__(self, rows: int) -> None:
        self.values: Any = np.empty(rows, dtype=np.int8)
        self.filled = 0

    def add(self, chunk: "pd.Series[Any]") -> bool:
        """Add a chunk; return False if it is not numeric."""
        values = chunk.to_numpy()
        if values.dtype.kind not in "if":  # unsigned: beyond int64, which floats would round
            return False
        if values.dtype.kind == "i":
            needed: Any = _smallest(int(values.min()), int(values.max()))
        elif _may_have_lost_digits(values):
            return False
        else:
            needed = np.float64
        if self.values.dtype != (kind := np.result_type(self.values, needed)):
            if kind.kind == "f" and _may_have_lost_digits(self.values[: self.filled]):
                return False
            grown = np.empty(len(self.values), dtype=kind)
            grown[: self.filled] = self.values[: self.filled]
            self.values = grown
        self.values[self.filled : self.filled + len(values)] = values
        self.filled += len(values)
        return True

    def cells(self) -> Cells:
        """Return the column."""
        whole = self.values.dtype.kind == "i"
        return Cells(
            "", values=self.values if whole else self.values.astype(np.float64, copy=False)
        )


def _may_have_lost_digits(values: Any) -> bool:
    """Return whether integers may be too large to be exact in float64."""
    if not len(values) or max(np.nanmax(values, initial=0), -np.nanmin(values, initial=0)) <= EXACT:
        return False
    return bool((np.abs(values[np.isfinite(values)]) > EXACT).any())


def _smallest(low: int, high: int) -> type[np.signedinteger[Any]]:
    """Return the smallest type that holds integers of a range."""
    for kind in (np.int8, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return kind
    return np.int64


class _Words:
    """Collects the chunks of a column of text."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.parts: list[Any] = []

    def add(self, chunk: "pd.Series[Any]") -> bool:
        """Add a chunk; return True."""
        codes, words = chunk.factorize()
        moved = [self.numbers.setdefault(str(word), len(self.numbers)) for word in words]
        self.parts.append(np.array([*moved, -1], dtype=np.int32)[codes])
        return True

    def cells(self) -> Cells:
        """Return the column."""
        return of_text("", np.concatenate(self.parts), list(self.numbers))


def _is_plain(file: Path, dialect: Dialect) -> bool:
    """Return whether the file's bytes can be parsed as they are."""
    if _is_rewritten(dialect) or dialect.comment:
        return False
    if dialect.encoding.startswith(("utf-16", "utf-32", "utf_16", "utf_32", "utf_7")):
        return False
    with opened(file) as handle:
        head = handle.read(1 << 16)
    return b"\r" not in head.replace(b"\r\n", b"").rstrip(b"\r")


@contextmanager
def _body(file: Path, dialect: Dialect) -> Iterator[IO[bytes]]:
    """Open the file after its header, with separators replaced if pandas needs that."""
    lines = dialect.skip + dialect.lines
    with opened(file) as handle:
        if _is_plain(file, dialect):
            for _ in range(lines):
                handle.readline()
            yield handle
            return
        try:
            text = io.StringIO(handle.read().decode(dialect.encoding), newline=None).read()
        except UnicodeError as problem:
            raise undecodable(file, dialect.encoding) from problem
    rows = [
        _plain(uncommented(line, dialect.comment), dialect) for line in text.split("\n")[lines:]
    ]
    yield io.BytesIO("\n".join(rows).encode())


def _plain(line: str, dialect: Dialect) -> str:
    return with_units(line, dialect.separator) if _is_rewritten(dialect) else line.rstrip("\n")


def _is_rewritten(dialect: Dialect) -> bool:
    """Return whether the separator is not supported by pandas' C engine."""
    return len(dialect.separator) > 1 or not dialect.separator.isascii()
