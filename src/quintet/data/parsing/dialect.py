"""How a text file is divided into cells: encoding, separator, and lines before the header."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from quintet.base.errors import Code, UserError
from quintet.data.parsing.file_bytes import encoding_of, first_lines, opened
from quintet.data.parsing.rules import BY_NAME

SPACE = "white space"
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
UNIT = "\x1f"
"""Replaces a separator of several characters."""


@dataclass(frozen=True)
class Dialect:
    """How a text file is divided into rows and cells.

    Args:
        encoding: of the text.
        separator: between two cells, one character or several; `SPACE` for any white space.
        skip: lines before the header.
        header: the names in the header line; "" for an empty one.
        lines: number of lines of the header.
        comment: start of a comment, which runs to the end of its line; "" for none.
        row_names: whether rows begin with a name that has no column in the header, as R writes
            them.
        trailing: whether the rows, but not the header, end with a separator.
        remarks: what was skipped, one sentence each.

    """

    encoding: str
    separator: str
    skip: int
    header: tuple[str, ...]
    lines: int = 1
    comment: str = ""
    row_names: bool = False
    trailing: bool = False
    remarks: tuple[str, ...] = field(default=())

    @property
    def width(self) -> int:
        """Cells of a row."""
        return len(self.header) + self.row_names + self.trailing


def sniff(
    file: Path,
    separator: str | None = None,
    encoding: str | None = None,
    skip_rows: int | None = None,
    comment: str | None = None,
) -> Dialect:
    r"""Infer how a text file is divided into cells, except for what is given.

    Args:
        file: the file, which may be compressed.
        separator: one character or several, `\t` or "tab", "space" or `\s+` for any white space.
        encoding: None for that of a byte order mark, else UTF-8.
        skip_rows: lines before the header.
        comment: start of a comment.

    Raises:
        UserError: not text in this encoding, nothing but blank lines, or another separator.

    """
    encoding = encoding_of(file, encoding)
    lines = first_lines(file, encoding)
    skip, remarks = skip_rows or 0, []
    if skip_rows is None and (
        given := re.fullmatch(r'"?sep=(.+?)"?', lines[0].strip(" \r\n\ufeff"), re.IGNORECASE)
    ):
        separator = separator or given[1]
        skip = 1
        remarks.append(f"Line 1, 'sep={given[1]}', names the separator.")
    body = [_uncommented(line, comment) for line in lines[skip:]]
    chosen = _chosen(file, body, separator)
    rows = [_cells(line, chosen) if line.strip() else [] for line in body]
    first = 0 if skip_rows is not None else _first_of_table(rows, body)
    while first < len(rows) and not rows[first]:
        first += 1
    if first >= len(rows):
        raise UserError(f"{file} holds nothing but blank lines", code=Code.DATA)
    if skipped := [line.strip() for line in body[:first] if line.strip()]:
        more = f" and {len(skipped) - 1} more" if skipped[1:] else ""
        remarks.append(
            f"Line(s) before the header were skipped: '{skipped[0][:60]}'{more} (another header: "
            "data.skip_rows=)."
        )
    header, taken = _header(body[first:], chosen)
    if len(numbers := [cell for cell in header if _is_number(cell)]) * 2 > len(header):
        remarks.append(
            f"Line {skip + first + 1} is read as the header, whose names are numbers such as "
            f"'{numbers[0]}'; if the file has none, add one."
        )
    full = [row for row in rows[first + taken : -1] if row]
    longer = {len(row) for row in full} == {len(header) + 1} and len(header) > 0
    trailing = longer and all(not row[-1].strip() for row in full)
    if longer and not trailing:
        remarks.append(_names_of_rows(file, [row[0] for row in full], len(header)))
    return Dialect(
        encoding, chosen, skip + first, tuple(header), taken, comment or "",
        row_names=longer and not trailing, trailing=trailing, remarks=tuple(remarks),
    )  # fmt: skip


def _names_of_rows(file: Path, names: list[str], columns: int) -> str:
    """Return a sentence on row names, as R writes them, which are all different."""
    if len(set(names)) == len(names):
        return f"The rows have a name without a column in the header, such as '{names[0]}'."
    raise UserError(
        f"{file}: the header names {columns} columns, but the rows have {columns + 1} cells",
        code=Code.DAMAGED,
        hint="Name each column; quote cells that hold the separator, such as decimal commas; or "
        "give data.separator= or data.skip_rows= (lines before the header)",
    )


def header_hint(dialect: Dialect) -> str:
    """Return a sentence on which line is read as the header, and how to choose another."""
    if dialect.width == 1:
        return "The file has one column; if a mark separates its cells: data.separator='<mark>'"
    return (
        f"Line {dialect.skip + 1} is read as the header; if it is another: data.skip_rows=<lines "
        "before it>"
    )


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"[+-]?\d+([.,]\d+)?", cell) is not None


def names(dialect: Dialect) -> list[str]:
    """Return a name for each column; those without one are named by position."""
    header = [cell.strip("\ufeff ") for cell in dialect.header]
    cells = ["", *header] if dialect.row_names else header
    return [cell or f"column_{number}" for number, cell in enumerate(cells, start=1)]


def with_units(line: str, separator: str) -> str:
    """Return a line with `UNIT` in place of a separator of several characters outside quotes."""
    if separator == SPACE:
        line = line.strip()
    return _outside_quotes(separator).sub(lambda found: found[1] or UNIT, line.rstrip("\r\n"))


@cache
def _outside_quotes(separator: str) -> re.Pattern[str]:
    cut = r"[ \t]+" if separator == SPACE else re.escape(separator)
    return re.compile(rf'("(?:[^"]|"")*")|{cut}')


def _uncommented(line: str, comment: str | None) -> str:
    """Return a line without its comment; comment characters inside quotes are kept."""
    at = line.find(comment) if comment else -1
    while comment and at >= 0 and line.count('"', 0, at) % 2:
        at = line.find(comment, at + 1)
    return line if at < 0 else line[:at].rstrip() + "\n"


uncommented = _uncommented


def _chosen(file: Path, lines: Sequence[str], separator: str | None) -> str:
    given = None if separator is None else BY_NAME.get(separator, separator)
    given = {"\\t": "\t", r"\s+": SPACE, "whitespace": SPACE, " ": SPACE}.get(given or "", given)
    found = _likeliest(lines)
    if given is None:
        return found
    if found != given and _usual_width(lines, given) == 1 < _usual_width(lines, found):
        shown = SEPARATORS.get(found, found)
        raise UserError(
            f"does not separate the cells of {file}; it looks like a {shown}",
            code=Code.INCOMPATIBLE,
            key="data.separator",
            value=f"'{separator}'",
            hint=f"Give data.separator='{found}' or leave it out",
        )
    return given


def _likeliest(lines: Sequence[str]) -> str:
    """Return the separator that divides the most lines into the same number of cells, and many."""
    full = [line for line in lines if line.strip()]
    full = full[:-1] or full  # the last line may be incomplete

    def rate(separator: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in _rows(full, separator))
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        return (count / widths.total() if width > 1 else 0.0), width

    best = max(SEPARATORS, key=rate)
    return best if rate(best)[0] >= 0.5 or rate(SPACE)[0] < 0.9 else SPACE


def _usual_width(lines: Sequence[str], separator: str) -> int:
    widths = Counter(len(row) for row in _rows([line for line in lines if line.strip()], separator))
    return max(widths, key=lambda width: widths[width])


def _rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    if len(separator) == 1:
        return [row for row in csv.reader(lines, delimiter=separator, skipinitialspace=True) if row]
    return [_cells(line, separator) for line in lines]


def _cells(line: str, separator: str) -> list[str]:
    if len(separator) > 1:
        line, separator = with_units(line, separator), UNIT
    cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    return [cell.strip() for cell in cells]


def _first_of_table(rows: Sequence[list[str]], lines: Sequence[str]) -> int:
    """Return the line of the header: a title has one cell, the table has several."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return 0
    width = max(widths, key=lambda each: (widths[each], each))
    for at, row in enumerate(rows[:-1]):
        if lines[at].count('"') % 2:  # a name of several lines
            return at
        following = next((later for later in rows[at + 1 :] if any(later)), [])
        is_title = len(row) < 2 or (bool(row[0]) and not any(row[1:]) and all(following))
        is_comment = lines[at].startswith(("#", "%", "//")) and len(row) != width
        if any(row) and not is_title and not is_comment:
            return at
    return 0


def _header(lines: Sequence[str], separator: str) -> tuple[list[str], int]:
    """Return the header's cells and how many lines it takes."""
    if len(separator) > 1:
        return _cells(lines[0], separator), 1
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    return [cell.strip() for cell in next(reader)], reader.line_num


__all__ = ["SEPARATORS", "SPACE", "Dialect", "names", "opened", "sniff"]
