"""The bytes of a text file: compression, byte order marks, encoding, and their errors."""

import bz2
import codecs
import gzip
import io
import lzma
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from quintet.base.errors import Code, UserError

OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
KINDS = {
    b"PK\x03\x04": ("a zip archive or an Excel workbook", "Unpack it, or save the sheet as CSV"),
    b"\xd0\xcf\x11\xe0": ("an Excel workbook", "Save the sheet as CSV"),
    b"\x1f\x8b": ("compressed by gzip", "Call it .csv.gz"),
    b"PAR1": ("a Parquet file", "Call it .parquet"),
    b"ARROW1": ("a Feather file", "Save the table as Parquet or CSV"),
    b"%PDF": ("a PDF", "Save the table as CSV"),
    b"SQLite format 3": ("an SQLite database", "Export the table as CSV"),
    b"\x89HDF": ("an HDF5 file", "Save the table as Parquet or CSV"),
}
"""First bytes of files that are not text: what they are, and what to do."""
HEAD = 1 << 18
LINES = 200
"""Number of first lines from which the dialect of a file is inferred."""


@contextmanager
def opened(file: Path) -> Iterator[IO[bytes]]:
    """Open a file that may be compressed.

    Raises:
        UserError: it cannot be read.

    """
    try:
        with OPENERS.get(file.suffix.lower(), open)(file, "rb") as handle:  # type: ignore[operator]
            yield handle
    except (OSError, EOFError, lzma.LZMAError) as problem:
        raise UserError(f"{file} cannot be read: {problem}", code=Code.DAMAGED) from problem


def encoding_of(file: Path, given: str | None) -> str:
    """Return Python's name of the encoding: as given, by the byte order mark, else UTF-8."""
    with opened(file) as handle:
        head = handle.read(64)
    marked = next((name for mark, name in BOMS if head.startswith(mark)), None)
    if given is None:
        if marked is None and head[1:16:2].count(0) > 6:
            return "utf-16-le"
        if marked is None and head[:16:2].count(0) > 6:
            return "utf-16-be"
        return marked or "utf-8"
    try:
        name = codecs.lookup(given).name
    except LookupError as problem:
        raise UserError(
            "is unknown to Python",
            code=Code.UNKNOWN_NAME,
            key="data.encoding",
            value=given,
            allowed=["utf-8", "utf-16", "latin-1", "cp1252", "..."],
        ) from problem
    return marked if marked and name in ("utf-8", "utf-8-sig") else name


def first_lines(file: Path, encoding: str) -> list[str]:
    """Return the first lines of a file.

    Raises:
        UserError: it is not text in this encoding, or holds nothing.

    """
    with opened(file) as handle:
        head = handle.read(HEAD)
        whole = len(head) < HEAD
    for begin, (kind, cure) in KINDS.items():
        if head.startswith(begin):
            raise UserError(f"{file} is {kind}, not a table", code=Code.DAMAGED, hint=cure)
    if b"\0" in head and not encoding.startswith(("utf-16", "utf-32")):
        raise UserError(
            f"{file} is not a text table: it holds NUL bytes",
            code=Code.DAMAGED,
            hint="Is it a spreadsheet or UTF-16? Save it as CSV, or give data.encoding=utf-16",
        )
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head, final=whole)
    except UnicodeError as problem:
        raise undecodable(file, encoding) from problem
    if known := _other_format(text):
        raise UserError(
            f"{file} is {known}, not a table",
            code=Code.DAMAGED,
            hint="Save the table as CSV or Parquet",
        )
    lines = io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"), newline="\n").readlines()
    if not any(line.strip() for line in lines):
        raise UserError(f"{file} holds nothing but blank lines", code=Code.DATA)
    return lines[: LINES + 1]


def _other_format(text: str) -> str:
    """Return what a text is that does not begin like a table, or "" if it may be one."""
    begin = text.lstrip("\ufeff \t\r\n")[:200].lower()
    if re.match(r"<(!doctype|html|\?xml|table|body)\b", begin):
        return "a page of HTML or XML"
    return "JSON" if re.match(r'(\[\s*)?\{\s*"', begin) else ""


def undecodable(file: Path, encoding: str) -> UserError:
    """Return the error for the first line that is not text in the encoding, with a remedy."""
    with opened(file) as handle:
        for number, line in enumerate(handle, start=1):
            try:
                line.decode(encoding)
            except UnicodeError as problem:
                guess = _likely(file)
                shown = line.decode(guess, errors="replace").strip()[:60]
                return UserError(
                    f"{file}, line {number} is not text in {encoding}: {problem}",
                    code=Code.DAMAGED,
                    key=None,
                    hint=f"With data.encoding={guess} the line reads '{shown}'; if that looks "
                    "wrong, try another, such as cp1251 or shift_jis; or repair the line",
                )
    return UserError(
        f"{file} is not text in {encoding}",
        code=Code.DAMAGED,
        hint="Give data.encoding=, such as latin-1 or utf-16",
    )


def _likely(file: Path) -> str:
    """Return the most common encoding of bytes that are not UTF-8."""
    with opened(file) as handle:
        high = {byte for byte in set(handle.read()) if byte > 127}
    return "cp1252" if not high & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "latin-1"
