"""Reads a table from a text or a Parquet file into columns of cells."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quintet.base.errors import Code, UserError
from quintet.data.parsing.column_cells import Cells, of_series
from quintet.data.parsing.dialect import header_hint, sniff
from quintet.data.parsing.text_reader import read

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

PARQUET = (".parquet", ".pq")


@dataclass
class RawTable:
    """The columns of a file."""

    columns: dict[str, Cells]
    separator: str | None = None
    """Separator of cells; None if the file has typed columns."""
    remarks: list[str] = field(default_factory=list)
    """What was skipped, one sentence each."""
    header_hint: str = ""
    """What to do if a column is missing."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Cells:
        return self.columns[name]


def read_table(
    file: Path,
    *,
    text: Collection[str] = (),
    decimal: str | None = None,
    missing: Collection[str] | None = None,
    layout: "Mapping[str, object] | None" = None,
) -> RawTable:
    """Read a table; Parquet by its suffix, else text with a header line.

    Args:
        file: an existing file.
        text: columns to read as words, such as classes, dates and categories.
        decimal: mark of numbers that may be read as values; None for the usual one of the file.
        missing: words that mean "no value".
        layout: arguments of `sniff`: separator, encoding, skip_rows, comment.

    Raises:
        UserError: unreadable or empty, two columns of one name, another separator.

    """
    if file.suffix.lower() in PARQUET:
        return RawTable(_parquet(file))
    dialect = sniff(file, **(layout or {}))  # type: ignore[arg-type]
    columns = read(file, dialect, text, decimal, missing)
    by_name = {cells.name: cells for cells in columns}
    return RawTable(by_name, dialect.separator, [*dialect.remarks], header_hint(dialect))


def _parquet(file: Path) -> dict[str, Cells]:
    """Read one column after the other; a whole frame would need memory for all of them at once."""
    try:
        from pyarrow import ArrowException, default_memory_pool
        from pyarrow.parquet import ParquetFile
    except ImportError as problem:
        raise UserError(
            f"{file}: reading parquet needs the package pyarrow",
            code=Code.UNAVAILABLE,
            hint="`pip install pyarrow`",
        ) from problem
    try:
        with ParquetFile(file) as opened:
            names = [n for n in opened.schema_arrow.names if not n.startswith("__index_level_")]
            _check(file, opened.metadata.num_rows, [name.strip() for name in names])
            columns = {name.strip(): _parquet_column(opened, name) for name in names}
        default_memory_pool().release_unused()
        return columns
    except (ArrowException, OSError, KeyError, TypeError, ValueError) as problem:  # or its metadata
        raise UserError(
            f"{file} is not a readable parquet file: {problem}", code=Code.DAMAGED
        ) from problem


def _check(file: Path, rows: int, names: list[str]) -> None:
    if not rows or not names:
        raise UserError(f"{file} has no rows", code=Code.DATA)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(
            f"{file}: two columns are named '{twice[0]}'",
            code=Code.DATA,
            hint="Rename one of them",
        )


def _parquet_column(opened: "ParquetFile", name: str) -> Cells:
    """Return a column as pandas types it; integers stay integers if some are missing."""
    import pandas as pd
    import pyarrow as pa

    column = opened.read([name]).select([name])
    gaps = column.column(0).null_count > 0
    whole = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype()} if gaps else {}
    frame = column.to_pandas(types_mapper=whole.get)
    series = frame.reset_index()[name] if name in frame.index.names else frame[name]
    cells = of_series(series, name.strip())
    if cells.values is not None:  # of their own, which is freed with the column
        cells.values = np.array(cells.values)
    return cells
