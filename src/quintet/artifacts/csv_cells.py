"""Cells of CSV files, escaped so that no spreadsheet evaluates them.

A text that a spreadsheet would evaluate as a formula is prefixed with an apostrophe, which marks
text in Excel, LibreOffice and Google Sheets; `restored` removes it. Numbers are unchanged. (OWASP,
"CSV injection".)
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FORMULA = re.compile(r"'*\s*[=+\-@＝＋－＠]|'*[\t\r\n]")
"""Start of a formula, after any apostrophes that belong to the text."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def guarded(value: Any) -> Any:
    """Escape a cell so that it is not a formula; only text is changed.

    Examples:
        >>> guarded("=1+1"), guarded("-0.5"), guarded(-0.5), guarded("a=b")
        ("'=1+1", '-0.5', -0.5, 'a=b')

    """
    if isinstance(value, str) and FORMULA.match(value) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def restored(cell: str) -> str:
    """Return the original text of a cell; the inverse of `guarded`.

    Examples:
        >>> restored("'=1+1"), restored("'tis")
        ('=1+1', "'tis")

    """
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def lines(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows of cells as CSV."""
    text, found = io.StringIO(), []
    writer = csv.writer(text, lineterminator="\r\n")  # quotes cells that contain either character
    for row in rows:
        writer.writerow(map(guarded, row))
        found.append(text.getvalue().removesuffix("\r\n") + "\n")
        text.seek(0)
        text.truncate()
    return "".join(found)


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV with a header."""
    return lines([columns, *([row.get(column) for column in columns] for row in rows)])


def of_frame(frame: "pd.DataFrame") -> str:
    """Return a DataFrame as CSV without its index; missing values are empty."""
    columns = [frame.iloc[:, place].to_numpy() for place in range(frame.shape[1])]
    rows = zip(*columns, strict=True)  # each cell with its own precision
    return lines([frame.columns, *([None if x != x else x for x in row] for row in rows)])
