"""What is asked of a run while it trains, and what became of it: two files in the run folder.

Whoever asks appends a line to the one; the run reads on from where it was, and answers in the
other. So no wish is lost, and none is taken twice.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from quintet.files import append, write_atomically

REQUESTS, CHANGES = "steering.jsonl", "steering.csv"
NUMBERS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "optimizer.lr": ("a number above 0", lambda x: x > 0),
    "optimizer.momentum": ("a number from 0 to below 1", lambda x: 0 <= x < 1),
    "optimizer.weight_decay": ("a number from 0 on", lambda x: x >= 0),
}
SWITCHES = {"pause": (True, False), "stop": (True,), "checkpoint": (True,)}


@dataclass(frozen=True)
class Request:
    """One wish, such as `optimizer.lr`, `0.01`; `asked` is when, and tells wishes apart."""

    asked: str
    key: str
    value: float | bool


@dataclass(frozen=True)
class Change:
    """What became of a wish: an epoch counts from 0, and a step from the run's first.

    `refused` says why where nothing was changed.
    """

    asked: str
    time: str
    epoch: int
    step: int
    key: str
    before: float | bool | str | None
    after: float | bool | str
    refused: str = ""


def now() -> str:
    """Return the time, to the microsecond, in the local zone."""
    return datetime.now().astimezone().isoformat(timespec="microseconds")


def problem(key: str, value: object) -> str | None:
    """Say what is allowed, if a wish is not."""
    if key in SWITCHES:
        allowed = SWITCHES[key]
        named = " or ".join(str(each).lower() for each in allowed)
        return None if any(value is each for each in allowed) else named
    if key not in NUMBERS:
        return "one of " + ", ".join([*NUMBERS, *SWITCHES])
    wanted, fits = NUMBERS[key]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return None if number and math.isfinite(value) and fits(value) else wanted  # type: ignore[arg-type]


def ask(folder: Path, requests: Iterable[Request]) -> None:
    """Append wishes to a run folder's, in one piece."""
    lines = "".join(json.dumps(asdict(request)) + "\n" for request in requests)
    append(folder / REQUESTS, lines)


def asked(folder: Path, after: int = 0) -> tuple[list[Request], int]:
    """Return the wishes from line number `after` on, and how many lines there are now.

    What is no wish, as somebody may have written into the file by hand, is passed over.
    """
    lines = (folder / REQUESTS).read_text().split("\n")[:-1]  # a line without its end: not yet
    return [found for line in lines[after:] if (found := _parsed(line))], len(lines)


def _parsed(line: str) -> Request | None:
    try:
        request = Request(**json.loads(line))
    except (ValueError, TypeError):
        return None
    return None if problem(request.key, request.value) else request


def write(folder: Path, changes: Iterable[Change]) -> None:
    """Replace a run folder's table of changes."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in fields(Change)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(change) for change in changes)
    write_atomically(folder / CHANGES, text.getvalue())


def said(change: Mapping[str, Any]) -> str:
    """Say what a recorded change did to the result; nothing of a pause, or of what was refused."""
    key, run = change["key"], change.get("run")
    where = f"in epoch {change['epoch'] + 1}" + (f" of {run}" if run else "")
    if change["refused"] or key not in (*NUMBERS, "stop"):
        return ""
    if key == "stop":
        return f"stopped {where}"
    return f"{key} {change['before'] or 0:.2g} → {change['after']:.2g} {where}"


def by_hand(changes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say what somebody did to a run while it trained, which its command does not repeat."""
    return [told for change in changes if not change.get("by") and (told := said(change))]


def read(folder: Path) -> list[dict[str, Any]]:
    """Return a run folder's changes, all values as text; none where nobody steered."""
    path = folder / CHANGES
    return list(csv.DictReader(path.open())) if path.is_file() else []
