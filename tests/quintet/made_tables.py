"""Tables generated from a description: how each cell is written, and its meaning."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

SEPARATORS = [",", ";", "\t", "|", "space", "||"]
ENCODINGS = ["utf-8", "utf-8-sig", "latin-1", "utf-16", "cp1252"]
MISSING = ["", "NA", "n/a", "NaN", "null", "None", "?"]
GROUPING = {".": ["", ",", "'", " "], ",": ["", ".", " "]}
DATES = ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d-%b-%Y", "%d.%m.%y",
         "%B %d, %Y", "%m/%d/%y", "%Y%m%d"]  # fmt: skip
TIMES = ["", " %H:%M", " %H:%M:%S", " %I:%M %p"]
BOOLEANS = [("yes", "no"), ("True", "False"), ("ja", "nein"), ("Y", "N"), ("true", "false")]
WORDS = ["red", "Zürich", "ça va", "a b", "x;y", "x,y", 'say "hi"', "naïve|", "007", "-", "v1.2.3",
         "192.168.0.1", "No. 5", "1/2"]  # fmt: skip


@dataclass
class Made:
    """One column: what it is, its cells as written, and the meaning of each; None is missing."""

    kind: str
    written: list[str] = field(default_factory=list)
    means: list[Any] = field(default_factory=list)
    rules: dict[str, str] = field(default_factory=dict)
    """What settles the column where its cells can be read in two ways."""


def number(rng: np.random.Generator, rows: int, point: str) -> Made:
    grouping = str(rng.choice(GROUPING[point]))
    digits = int(rng.integers(0, 5))
    scale = 10.0 ** rng.integers(0, 9)
    made = Made("number", rules={"decimal": point, "thousands": grouping})
    for value in rng.normal(size=rows) * scale:
        value = float(f"{value:.{digits}f}")
        text = f"{value:,.{digits}f}" if grouping else f"{value:.{digits}f}"
        made.written.append(text.translate(str.maketrans({",": grouping or "", ".": point})))
        made.means.append(value)
    return made


def amount(rng: np.random.Generator, rows: int, point: str) -> Made:
    """Return numbers that all have one unit, before or behind them."""
    made = number(rng, rows, point)
    before, behind = [("$", ""), ("", " £"), ("EUR ", ""), ("", "%"), ("", " kg")][rng.integers(5)]
    made.written = [f"{before}{each}{behind}" for each in made.written]
    return made


def whole(rng: np.random.Generator, rows: int, point: str) -> Made:
    values = [int(v) for v in rng.integers(-(10 ** rng.integers(1, 16)), 10**6, rows)]
    return Made("number", [str(v) for v in values], [float(v) for v in values])


def date(rng: np.random.Generator, rows: int, point: str) -> Made:
    form, time = DATES[rng.integers(len(DATES))], TIMES[rng.integers(len(TIMES))]
    if form == "%Y%m%d":
        time = ""
    made = Made("date", rules={"date_format": form})
    for minutes in rng.integers(0, 25 * 365 * 1440, rows):
        moment = datetime(1999, 1, 1) + timedelta(minutes=int(minutes))
        if not time:
            moment = moment.replace(hour=0, minute=0)
        made.written.append(moment.strftime(form + time))
        made.means.append(np.datetime64(moment, "us"))
    return made


def yes_no(rng: np.random.Generator, rows: int, point: str) -> Made:
    pair = BOOLEANS[rng.integers(len(BOOLEANS))]
    sides = [*rng.integers(0, 2, rows - 2), 0, 1]
    return Made("boolean", [pair[1 - s] for s in sides], [float(s) for s in sides])


def category(rng: np.random.Generator, rows: int, point: str) -> Made:
    some = rng.choice(WORDS, int(rng.integers(2, 6)), replace=False)
    words = [str(w) for w in [*rng.choice(some, rows - len(some)), *some]]
    return Made("category", words, list(words))


KINDS = [number, amount, whole, date, yes_no, category]


def column(rng: np.random.Generator, rows: int, point: str, missing: float) -> Made:
    """Return a column of a random kind, some of whose cells are missing."""
    made = KINDS[rng.integers(len(KINDS))](rng, rows, point)
    for row in np.flatnonzero(rng.random(rows) < missing):
        made.written[row], made.means[row] = str(rng.choice(MISSING)), None
    return made


@dataclass
class File:
    """A table as a file: where it is, its columns by name, and what was settled for `sniff`."""

    path: Path
    columns: dict[str, Made]
    layout: dict[str, Any]


def write(rng: np.random.Generator, folder: Path, rows: int = 24) -> File:
    """Write a table with random columns, separator, encoding, line ends, quotes and title."""
    point = str(rng.choice([".", ","]))
    columns = {f"col {i}": column(rng, rows, point, missing=float(rng.choice([0, 0.1])))
               for i in range(int(rng.integers(2, 6)))}  # fmt: skip
    separator, encoding = str(rng.choice(SEPARATORS)), str(rng.choice(ENCODINGS))
    cut = " " if separator == "space" else separator
    always = bool(rng.random() < 0.2)

    def quoted(cell: str) -> str:
        risky = not cell or cell[0] in "#%" or any(c in cell for c in f' "{cut}')
        return '"' + cell.replace('"', '""') + '"' if always or risky else cell

    order = rng.permutation(rows)
    lines = [cut.join(map(quoted, columns))]
    lines += [cut.join(quoted(made.written[row]) for made in columns.values()) for row in order]
    for made in columns.values():
        made.written = [made.written[row] for row in order]
        made.means = [made.means[row] for row in order]
    title = rng.random() < 0.2 and cut != " "
    lines = ["Report", "", *lines] if title else lines
    end = str(rng.choice(["\n", "\r\n"]))
    path = folder / "made.csv"
    text = end.join(lines) + (end if rng.random() < 0.8 else "")
    path.write_bytes(text.encode(encoding))
    layout: dict[str, Any] = {}
    if separator in ("space", "||"):
        layout["separator"] = separator
    if encoding in ("latin-1", "cp1252"):
        layout["encoding"] = encoding
    return File(path, columns, layout)
