"""Check every line of a text file before it is parsed: its bytes, its width and its quotes.

The C parser of pandas silently pads short rows, joins `"a"b` and reads 007 as 7. A pass over the
bytes by NumPy finds such lines at a fraction of the cost of parsing.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError
from quintet.data.parsing.file_bytes import undecodable

BLOCK = 1 << 18  # of twice the size, NumPy returns its memory to the system after each
NEWLINE, QUOTE, RETURN = b"\n"[0], b'"'[0], b"\r"[0]


@dataclass
class Scanned:
    """The result of a pass over a file.

    Args:
        rows: lines with cells.
        codes: columns in which digits begin with a zero or a plus sign, as codes do.

    """

    rows: int = 0
    codes: set[int] = field(default_factory=set)


def scan(
    file: Path, handle: IO[bytes], separator: str, width: int, line: int, encoding: str
) -> Scanned:
    """Check all remaining lines of a file.

    Args:
        file: for messages.
        handle: open after the header.
        separator: the character between two cells.
        width: required number of cells per line; blank lines are skipped.
        line: number of the first line, from 1.
        encoding: one that is compatible with ASCII.

    Raises:
        UserError: bytes that are not text in the encoding, a line of another width, or a cell with
            unbalanced quotes; with the line and what to do.

    """
    found = Scanned()
    for block in _blocks(handle):
        if b"\0" in block:
            at = line + block[: block.index(b"\0")].count(b"\n")
            raise UserError(
                f"{file}, line {at} holds a NUL byte: it is not a text table",
                code=Code.DAMAGED,
                hint="Repair or delete the line, or give data.encoding=utf-16",
            )
        try:
            block.decode(encoding)
        except UnicodeError as problem:
            raise undecodable(file, encoding) from problem
        if not _quick(file, block, ord(separator), width, line, found):
            _careful(file, block.decode(encoding), separator, width, line, found)
        line += block.count(b"\n")
    return found


def _blocks(handle: IO[bytes]) -> Iterator[bytes]:
    """Yield blocks of whole rows, which end with a line outside quotes, if quotes are balanced."""
    rest = b""
    while chunk := handle.read(BLOCK):
        rest += chunk
        cut = rest.rfind(b"\n") + 1
        tries, quoted = 0, b'"' in rest
        while quoted and cut and rest.count(b'"', 0, cut) % 2 and tries < 1000:
            cut, tries = rest.rfind(b"\n", 0, cut - 1) + 1, tries + 1
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def _quick(
    file: Path, block: bytes, separator: int, width: int, line: int, found: Scanned
) -> bool:  # fmt: skip
    """Check a block by NumPy; return False if its quotes need a closer look."""
    data = np.frombuffer(block, dtype=np.uint8)
    newlines, cuts, quoted = data == NEWLINE, data == separator, b'"' in block
    ends = np.flatnonzero(newlines)
    if quoted:
        inside = np.bitwise_xor.accumulate(data == QUOTE)
        if not _quotes_match(data, inside, separator):
            return False
        cuts &= ~inside
        ends = ends[~inside[ends]]
    places = np.flatnonzero(cuts)
    until = np.searchsorted(places, ends)
    widths = np.diff(until, prepend=0) + 1
    starts = np.append(0, ends[:-1] + 1)
    blank = _blank(data, starts, ends)
    wrong = np.flatnonzero((widths != width) & ~blank)
    if len(wrong):
        at = wrong[0]
        number = line + block.count(b"\n", 0, int(starts[at]))
        raise _ragged(file, number, int(widths[at]), width, block[starts[at] : ends[at]])
    found.rows += int(len(ends) - blank.sum())
    edges = cuts | newlines
    if quoted:
        edges |= data == QUOTE
    codes = _codes(data, edges)
    before = np.append(0, until)[np.searchsorted(ends, codes)]
    found.codes.update(np.unique(np.searchsorted(places, codes) - before).tolist())
    return True


def _blank(
    data: NDArray[np.uint8], starts: NDArray[np.int_], ends: NDArray[np.int_]
) -> NDArray[np.bool_]:
    """Return which lines are empty, except for spaces and a carriage return."""
    blank: NDArray[np.bool_] = ends == starts
    short = np.flatnonzero(~blank & (ends - starts < 80) & (data[starts] <= 32))
    for at in short:
        blank[at] = not bytes(data[starts[at] : ends[at]]).strip()
    return blank


def _quotes_match(data: NDArray[np.uint8], inside: NDArray[np.bool_], separator: int) -> bool:
    """Return whether all quotes begin or end a whole cell, or are doubled within one."""
    quotes = np.flatnonzero(data == QUOTE)
    if len(quotes) % 2:
        return False
    opening, closing = quotes[inside[quotes]], quotes[~inside[quotes]]
    before = data[np.maximum(opening - 1, 0)]
    after = data[np.minimum(closing + 1, len(data) - 1)]
    starts = (opening == 0) | np.isin(before, (separator, NEWLINE, QUOTE, ord(" ")))
    ends = np.isin(after, (separator, NEWLINE, RETURN, QUOTE))
    return bool(starts.all() and ends.all())


def _codes(data: NDArray[np.uint8], edges: NDArray[np.bool_]) -> NDArray[np.int_]:
    """Return where cells with codes begin: 007, +4917..."""
    digit = data - ord("0") < 10  # unsigned: anything below "0" wraps around to above 9
    first = np.append(True, edges[:-1]) & ((data == ord("0")) | (data == ord("+")))
    first[:-1] &= digit[1:]
    starts = np.flatnonzero(first)
    if not len(starts):
        return starts
    last = np.flatnonzero(edges | (data == RETURN) | (data == ord(" ")))
    ends = last[np.minimum(np.searchsorted(last, starts), len(last) - 1)]
    others = np.append(0, np.cumsum(~digit, dtype=np.int32))
    plus = data[starts] == ord("+")
    found: NDArray[np.int_] = starts[
        (others[ends] - others[starts] == plus) & (~plus | (ends - starts > 7))
    ]
    return found


def _careful(file: Path, text: str, separator: str, width: int, line: int, found: Scanned) -> None:
    """Check a block cell by cell, by Python's strict reader."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True
    )
    begin = 0
    try:
        for row in reader:
            if row and len(row) != width and any(map(str.strip, row)):
                shown = separator.join(row).encode()
                raise _ragged(file, line + begin, len(row), width, shown)
            if any("\n" in cell and _holds_a_row(cell, separator, width) for cell in row):
                raise _stray_quote(file, line + begin, "is not closed in its line")
            found.rows += bool(row)
            found.codes |= {
                at for at, cell in enumerate(row) if cell[:1] in "0+" and _is_code(cell)
            }
            begin = reader.line_num
    except csv.Error as problem:
        raise _stray_quote(file, line + begin, str(problem)) from problem


def _is_code(cell: str) -> bool:
    return len(cell) > 1 and cell[1:].strip().isdigit() and (cell[0] == "0" or len(cell) > 7)


def _holds_a_row(cell: str, separator: str, width: int) -> bool:
    """Return whether a cell of several lines has absorbed rows after an unclosed quote."""
    return width > 1 and any(part.count(separator) >= width - 1 for part in cell.split("\n"))


def _stray_quote(file: Path, line: int, problem: str) -> UserError:
    return UserError(
        f"{file}, line {line}: misplaced quotation mark ({problem})",
        code=Code.DAMAGED,
        hint='Delete it, or quote the cell and double each quote inside: "5"" pipe"',
    )


def _ragged(file: Path, line: int, cells: int, width: int, shown: bytes) -> UserError:
    text = shown.decode("utf-8", errors="replace").replace("\x1f", " ").strip()
    what = "holds one cell" if cells == 1 else f"holds {cells} cells"
    return UserError(
        f"{file}, line {line} cannot be read: it {what}, but the table has {width} columns: "
        f"'{text[:60]}'",
        code=Code.DAMAGED,
        hint="Repair or delete the line; quote cells that hold the separator; or give "
        "data.separator=, data.skip_rows= (lines before the header), or data.comment='#'",
    )
