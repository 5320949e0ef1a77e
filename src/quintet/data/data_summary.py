"""The data summary: how each column of a table was interpreted, and how it is used."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quintet.data.parsing.column_cells import Cells
from quintet.data.parsing.column_format import ColumnFormat, Parsed
from quintet.data.sources.columns import Spec

IDENTIFIER = re.compile(
    r"(^|[_\W])(id|idx|index|key|row|nr|no)$|(?-i:[a-z]I[dD])$|^column_\d+$"
    r"|^row[_\W]?(names?|id|num|number|index)$|^unnamed(: ?\d+)?$",
    re.IGNORECASE,
)
"""Names of columns that number the rows; a column without a name is called column_1."""
TEXT = 3
"""Fewest words per cell, on average, of a column of text."""
KINDS = {"number": "numbers", "boolean": "yes-no", "date": "dates", "text": "texts",
         "category": "categories"}  # fmt: skip


@dataclass(frozen=True)
class ColumnSummary:
    """What was inferred about a column, in words; a row of the table shown at the start of a run.

    Args:
        name: of the column.
        type: number, yes-no, date, category or text.
        format: how its cells are written.
        missing: share of its cells without a value.
        use: input, target, group, time, or the reason why it is left out.

    """

    name: str
    type: str
    format: str
    missing: float
    use: str


def summary_of(cells: Cells, spec: Spec, parsed: Parsed, use: str) -> ColumnSummary:
    """Return the summary of a column."""
    form = ColumnFormat.from_dict(spec)
    written = form.describe()
    if form.type == "category":
        written = f"{len(spec['categories'])} words"
    elif form.type == "text":
        written = f"{spec['features']} hashed n-grams"
    elif form.type == "boolean":
        written = " / ".join(sorted(_words(cells, form))[:4])
    elif form.type == "date" and "hour" in spec.get("parts", ()):
        written += " with time"
    absent = np.isnat(parsed.values) if parsed.values.dtype.kind == "M" else np.isnan(parsed.values)
    kind = {"boolean": "yes-no"}.get(form.type, form.type)
    return ColumnSummary(cells.name, kind, written, float(absent.mean()), use)


def reason_to_drop(cells: Cells, spec: Spec, parsed: Parsed) -> str:
    """Return why a column cannot help a model, or "" if it may."""
    values = parsed.values
    absent = np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)
    known = values[~absent]
    if not len(known):
        return "it has no values"
    if known.min() == known.max() and len(known) == len(values):
        return f"it is always '{cells.at(0)}'"
    if spec["type"] == "number" and IDENTIFIER.search(spec["name"]) and _all_differ(known):
        return "it looks like an identifier"
    if spec["type"] == "category":
        distinct = len(spec["categories"])
        if distinct > max(20, len(known) // 2) and (length := _mean_words(spec)) >= TEXT:
            return f"it is text, {length:.0f} words per row: data.text=[{spec['name']}] reads it"
        if distinct == len(known) > 20:
            return f"its {distinct} texts all differ, like those of an identifier{_such_as(spec)}"
        if distinct > max(20, len(known) // 2):
            return (
                f"its {distinct} different texts in {len(known)} rows are too many for categories"
                f"{_such_as(spec)}"
            )
    return ""


def _such_as(spec: Spec) -> str:
    return f", such as '{str(spec['categories'][0])[:40]}'"


def _mean_words(spec: Spec) -> float:
    """Return how many words a category has on average."""
    return float(np.mean([len(each.split()) for each in spec["categories"]]))


def remark(cells: Cells, spec: Spec, parsed: Parsed) -> str:
    """Return what may be wrong with an input column, or "" if nothing."""
    if spec["type"] == "number" and _counts(parsed.values):
        return f"'{spec['name']}' counts the rows one by one; is it an input? (if not: data.drop)"
    if spec["type"] == "date" and "%y" in spec["form"]:
        row = int(
            np.nanargmax(np.where(np.isnat(parsed.values), np.nan, parsed.values.astype(float)))
        )
        return (
            f"'{spec['name']}': two-digit years are read as 1969 to 2068; '{cells.at(row)}' is "
            f"{parsed.values[row].astype('datetime64[D]')}."
        )
    return _stand_in(cells, spec, parsed)


STAND_INS = (-1, *(sign * (10**digits - 1) for digits in range(1, 10) for sign in (-1, 1)))
"""Numbers that mean "no value" in many files."""


def _stand_in(cells: Cells, spec: Spec, parsed: Parsed) -> str:
    """Return a sentence on a value far from all others, as a placeholder for "no value" is."""
    values = parsed.values
    if spec["type"] == "number":
        ends = [each for each in (np.nanmin(values), np.nanmax(values)) if each in STAND_INS]
    elif spec["type"] == "date":
        known = values[~np.isnat(values)]
        ends = [known.min(), known.max()]
    else:
        return ""
    for end in ends:
        there = values == end
        others = values[~there & (values == values)]
        if there.sum() < 2 or len(others) < 2:
            continue
        low, high = others.min(), others.max()
        below = spec["type"] == "number" and end < 0 <= low
        if low < high and (below or max(low - end, end - high) > high - low):
            word = cells.at(int(np.flatnonzero(there)[0]))
            return (
                f"'{spec['name']}': '{word}' in {there.mean():.1%} of its cells is far from all "
                f"others; if it means no value: data.missing=['{word}']."
            )
    return ""


def input_summary(specs: list[Spec]) -> str:
    """List the input columns by type."""
    parts = []
    for kind, plural in KINDS.items():
        names = [str(spec["name"]) for spec in specs if spec["type"] == kind]
        if names:
            more = f", ... ({len(names)})" if names[8:] else ""
            parts.append(f"{plural} {', '.join(names[:8])}{more}")
    return f"Inputs: {'; '.join(parts)}."


def repeated_rows(columns: Iterable[Cells]) -> int:
    """Return how many rows repeat an earlier one, by a hash of their cells."""
    mixed: NDArray[np.uint64] | None = None
    for cells in columns:
        one = np.asarray(cells.values if cells.codes is None else cells.codes)
        bits = one.astype("float64" if one.dtype.kind == "f" else "int64").view("uint64")
        mixed = bits if mixed is None else mixed ^ bits
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15)  # of splitmix64 (Steele et al. 2014)
        mixed ^= mixed >> np.uint64(29)
    if mixed is None:
        return 0
    mixed.sort()
    return int((mixed[1:] == mixed[:-1]).sum())


def _words(cells: Cells, form: ColumnFormat) -> list[str]:
    known = [word for word in cells.words if word.lower() not in form.missing]
    return list({word.lower(): word for word in known}.values())


def _all_differ(values: NDArray[Any]) -> bool:
    """Return whether each row has a distinct integer."""
    whole = bool((values == np.round(values)).all())
    return whole and len(np.unique(values)) == len(values)


def _counts(values: NDArray[Any]) -> bool:
    return len(values) > 2 and bool((np.diff(values) == 1).all())
