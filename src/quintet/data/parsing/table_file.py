"""Read a table from a text or a Parquet file into columns of cells."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from quintet.base.errors import Code, UserError
from quintet.data.parsing.column_cells import Cells, of_series
from quintet.data.parsing.dialect import sniff
from quintet.data.parsing.text_reader import read

PARQUET = (".parquet", ".pq")


@dataclass
class RawTable:
    """The columns of a file."""

    columns: dict[str, Cells]
    separator: str | None = None
    """Between two cells; None where the file types them."""
    remarks: list[str] = field(default_factory=list)
    """What was skipped, one sentence each."""

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
        file: one that is there.
        text: columns that are to come as words, such as classes, dates and categories.
        decimal: mark of numbers that may come as values; None takes the usual one of the file.
        missing: words that mean "no value".
        layout: arguments of `sniff`: separator, encoding, skip_rows, comment.

    Raises:
        UserError: unreadable or empty, two columns of one name, another separator.

    """
    if file.suffix.lower() in PARQUET:
        return RawTable(_parquet(file))
    dialect = sniff(file, **(layout or {}))  # type: ignore[arg-type]
    columns = read(file, dialect, text, decimal, missing)
    return RawTable({cells.name: cells for cells in columns}, dialect.separator, [*dialect.remarks])


def _parquet(file: Path) -> dict[str, Cells]:
    import pandas as pd

    try:
        frame = pd.read_parquet(file)
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
    if not len(frame) or not len(frame.columns):
        raise UserError(f"{file} has no rows", code=Code.DATA)
    if any(frame.index.names):  # pandas writes a named index as columns
        frame = frame.reset_index()
    names = [str(name).strip() for name in frame.columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(
            f"{file}: two columns are named '{twice[0]}'",
            code=Code.DATA,
            hint="Rename one of them",
        )
    return {name: of_series(frame.iloc[:, at], name) for at, name in enumerate(names)}
