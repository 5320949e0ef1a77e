"""The cells of the CSV files that are written here: no spreadsheet runs one of them.

A text that a spreadsheet would take for a formula gets an apostrophe in front, by which Excel,
LibreOffice and Google Sheets know text; `restored` takes it away again. Numbers stay as they are.
(OWASP, "CSV injection".)
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FORMULA = re.compile(r"'*\s*[=+\-@＝＋－＠]|'*[\t\r\n]")
"""How a formula begins; apostrophes before it are the text's own, and ours then come on top."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def guarded(value: Any) -> Any:
    """Return a cell that is no formula; anything but text stays as it is.

    Examples:
        >>> guarded("=1+1"), guarded("-0.5"), guarded(-0.5), guarded("a=b")
        ("'=1+1", '-0.5', -0.5, 'a=b')

    """
    if isinstance(value, str) and FORMULA.match(value) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def restored(cell: str) -> str:
    """Return the text that `guarded` made a cell of.

    Examples:
        >>> restored("'=1+1"), restored("'tis")
        ('=1+1', "'tis")

    """
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def lines(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows of cells as CSV."""
    text, found = io.StringIO(), []
    writer = csv.writer(text, lineterminator="\r\n")  # so that a cell with either is quoted
    for row in rows:
        writer.writerow(map(guarded, row))
        found.append(text.getvalue().removesuffix("\r\n") + "\n")
        text.seek(0)
        text.truncate()
    return "".join(found)


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV, the titles above."""
    return lines([columns, *([row.get(column) for column in columns] for row in rows)])


def of_frame(frame: "pd.DataFrame") -> str:
    """Return a pandas table as CSV, without its index; what is missing is empty."""
    columns = [frame.iloc[:, place].to_numpy() for place in range(frame.shape[1])]
    rows = zip(*columns, strict=True)  # each cell in its own precision
    return lines([frame.columns, *([None if x != x else x for x in row] for row in rows)])
