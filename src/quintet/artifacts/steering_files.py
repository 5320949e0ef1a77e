"""Files for steering a run during training: requests and outcomes, in the run folder.

A request is a line appended to the first file; the run reads new lines from its last position and
writes outcomes to the second file. So no request is lost or handled twice.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from quintet.artifacts import csv_cells, untrusted_files
from quintet.base import schema
from quintet.base.files import append, write_atomically
from quintet.base.formatting import rounded

REQUESTS, CHANGES = "steering.jsonl", "steering.csv"
SETTINGS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "lr": ("a number above 0", lambda x: x > 0),
    "lr_factor": ("a number above 0", lambda x: x > 0),
    "momentum": ("a number from 0 to below 1", lambda x: 0 <= x < 1),
    "weight_decay": ("a number from 0 on", lambda x: x >= 0),
}
"""Optimizer settings and their allowed values; `lr_factor` multiplies the learning rate."""
NUMBERS = [f"optimizer.{name}" for name in SETTINGS]
REPEATED = ("lr_finder", "replay")
"""Authors of changes that the run's own command would repeat."""
AUTHORS = {
    "lr_finder": "the range test",
    "replay": "the replay",
    "pbt": "population-based training",
}
SWITCHES = {"pause": (True, False), "stop": (True,), "checkpoint": (True,)}
_SETTING = re.compile(rf"optimizer\.(?:(\d{{1,3}})\.)?({'|'.join(SETTINGS)})", re.ASCII)


@dataclass(frozen=True)
class Request:
    """A request, such as `optimizer.lr`, `0.01`; `asked`, its time, identifies it.

    `by` is a key of `AUTHORS`; "" means steer.py.
    """

    asked: str
    key: str
    value: float | bool
    by: str = ""


@dataclass(frozen=True)
class Change:
    """The outcome of a request; epoch and step are counted from 0.

    `refused` is the reason if nothing was changed; `by` is as in `Request`.
    """

    asked: str
    time: str
    epoch: int
    step: int
    key: str
    before: float | bool | str | None
    after: float | bool | str
    refused: str = ""
    by: str = ""


def now() -> str:
    """Return the local time with microseconds."""
    return datetime.now().astimezone().isoformat(timespec="microseconds")


def setting(key: str) -> tuple[int | None, str] | None:
    """Return the index of the optimizer that a key refers to (None: all), and the setting.

    Examples:
        >>> setting("optimizer.lr"), setting("optimizer.1.momentum"), setting("stop")
        ((None, 'lr'), (1, 'momentum'), None)

    """
    if (found := _SETTING.fullmatch(key)) is None:
        return None
    return int(found[1]) if found[1] else None, found[2]


def problem(key: str, value: object) -> str | None:
    """Return the allowed values if a request is invalid, else None."""
    if key in SWITCHES:
        allowed = SWITCHES[key]
        named = " or ".join(str(each).lower() for each in allowed)
        return None if any(value is each for each in allowed) else named
    if (found := setting(key)) is None:
        return "one of " + ", ".join([*NUMBERS, *SWITCHES])
    wanted, fits = SETTINGS[found[1]]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return None if number and math.isfinite(value) and fits(value) else wanted  # type: ignore[arg-type]


def ask(folder: Path, requests: Iterable[Request]) -> None:
    """Append requests to those of a run folder, in a single write."""
    lines = "".join(json.dumps(asdict(request), allow_nan=False) + "\n" for request in requests)
    append(untrusted_files.inside(folder, REQUESTS), lines)


def asked(folder: Path, after: int = 0) -> tuple[list[Request], int]:
    """Return the requests from line `after` on, and the current number of lines.

    Lines that are not a request, such as manual edits, are skipped.
    """
    text = untrusted_files.read_bytes(folder, REQUESTS).decode("utf-8", errors="replace")
    lines = text.split("\n")[:-1]  # an incomplete line
    return [found for line in lines[after:] if (found := _parsed(line))], len(lines)


def _parsed(line: str) -> Request | None:
    try:
        request = schema.build(Request, json.loads(line))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return None if problem(request.key, request.value) else request


def write(folder: Path, changes: Iterable[Change]) -> None:
    """Replace the table of changes of a run folder."""
    columns = [f.name for f in fields(Change)]
    write_atomically(folder / CHANGES, csv_cells.table(columns, map(asdict, changes)))


def said(change: Mapping[str, Any]) -> str:
    """Return the effect of a recorded change as text; "" for a pause or a rejected request."""
    key, run = change["key"], change.get("run")
    where = f"in epoch {change['epoch'] + 1}" + (f" of {run}" if run else "")
    if not change["refused"] and key == "stop":
        return f"stopped {where}"
    if change["refused"] or setting(str(key)) is None:
        return ""
    return f"{key} {rounded(change['before'] or 0)} → {rounded(change['after'])} {where}"


def unrepeated(changes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the changes made to a run during training that its command would not repeat."""
    lasting = (change for change in changes if change.get("by") not in REPEATED)
    return [told for change in lasting if (told := said(change))]


def read(folder: Path) -> list[dict[str, Any]]:
    """Return the changes of a run folder, all values as text; [] if it was not steered."""
    if not untrusted_files.has(folder, CHANGES):
        return []
    rows = untrusted_files.read_table(folder, CHANGES)
    with untrusted_files.understood(folder / CHANGES):
        needed = [field.name for field in fields(Change) if field.name != "by"]
        return [
            {name: row[name] for name in needed} | {"epoch": _whole(row), "by": row.get("by", "")}
            for row in rows  # earlier versions wrote no `by`
        ]


def _whole(row: Mapping[str, str]) -> str:
    return str(int(row["epoch"]))
