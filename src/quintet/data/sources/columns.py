"""The columns of a table as a model takes them: numbers and descriptions.

A column's description is plain data, stored with the run, so that a new file is read the same way.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError
from quintet.data.parsing.column_cells import Cells
from quintet.data.parsing.column_format import ColumnFormat, Parsed
from quintet.data.parsing.inference import infer
from quintet.data.parsing.rules import FEW, Unreadable
from quintet.data.sources import hashed_text

Spec = dict[str, Any]
"""`name`, the fields of `ColumnFormat`, and by type: `offset`, which is subtracted before float32
(number, date), `parts` (date), `categories` (category), `features` (text)."""
OLD_STYLES = {"1.5": (".", ""), "1,000": (".", ","), "1,5": (",", ".")}
FLOAT32_STEP, BLUR = 6e-8, 1e-4
"""Relative error of float32, and the largest acceptable share of a column's spread."""
LARGEST = float(np.finfo(np.float32).max)
ROWS = 4096
DAY = np.timedelta64(86_400_000_000, "us")
PARTS = ("", "month", "weekday", "hour")
"""Features of a date: days since 1970, for the trend; month from 1; day of the week from 0, Monday;
hour of the day, if times are given."""


def number(name: str, offset: float = 0.0) -> Spec:
    """Describe a column of plain numbers."""
    return {"name": name, **ColumnFormat("number").to_dict(), "offset": offset}


def format_of(spec: Spec) -> ColumnFormat:
    """Return the format in a description, including those of earlier versions."""
    if "style" in spec:
        decimal, thousands = OLD_STYLES[spec["style"]]
        return ColumnFormat("number", decimal, thousands)
    if "format" in spec:
        return ColumnFormat("date", form=spec["format"])
    return ColumnFormat.from_dict(spec)


def describe(cells: Cells, form: ColumnFormat) -> tuple[Spec, Parsed]:
    """Return a column's description and its values."""
    parsed = form.parse(cells)
    spec: Spec = {"name": cells.name, **form.to_dict()}
    if form.type == "number":
        spec["offset"] = _offset(_in_range(parsed.values, cells))
    elif form.type == "date":
        spec |= _date_parts(parsed.values)
    elif form.type == "category":
        known = parsed.values[~np.isnan(parsed.values)].astype(np.int64)
        there = np.flatnonzero(np.bincount(known, minlength=1))
        words = cells.as_words().words
        spec["categories"] = sorted(words[at] for at in there) if len(known) else []
    elif form.type == "text":
        spec["features"] = hashed_text.FEATURES
    return spec, parsed


def encode(table: dict[str, Cells], specs: list[Spec], *, used_up: bool = False) -> torch.Tensor:
    """Return the described columns as float32 (N, F), with categories as codes.

    A date becomes several numbers, see `PARTS`, and so does a text, 0 if empty. Unknown and missing
    categories have code 0, other missing values are NaN.

    Args:
        table: columns by name.
        specs: the columns' descriptions.
        used_up: whether the table is no longer needed, so that each column's memory can be freed.

    """
    rows = len(next(iter(table.values()))) if table else 0
    columns: list[NDArray[np.float32]] = []
    for spec in specs:
        cells = table.pop(str(spec["name"])) if used_up else table[str(spec["name"])]
        columns += [*values_of(cells, spec).T.astype(np.float32)]
    block = np.empty((rows, len(columns)), dtype=np.float32)
    for first in range(0, rows, ROWS):  # as many as fit in a cache
        for at, column in enumerate(columns):
            block[first : first + ROWS, at] = column[first : first + ROWS]
    return torch.from_numpy(block)


def width(spec: Spec) -> int:
    """Return the number of features of a column."""
    if spec["type"] == "text":
        return int(spec["features"])
    return len(spec.get("parts", PARTS[:3])) if spec["type"] == "date" else 1


def values_of(cells: Cells, spec: Spec) -> NDArray[Any]:
    """Return a described column as (N, 1), a date or text as (N, parts); see `encode`."""
    form = format_of(spec)
    if form.type == "text":
        return _texts(cells, form, int(spec["features"]))
    if form.type == "category":
        return codes(cells, spec)[:, None]
    values = form.parse(cells).values
    if form.type == "date":
        parts = dict(zip(PARTS, _calendar(values), strict=True))
        chosen = [parts[part] for part in spec.get("parts", PARTS[:3])]
        if "" in spec.get("parts", PARTS):
            chosen[0] = chosen[0] - float(spec.get("offset", 0.0))
        return np.stack(chosen, axis=1)
    if form.type == "number":
        return (_in_range(values, cells) - float(spec["offset"]))[:, None]
    return values[:, None]


def _texts(cells: Cells, form: ColumnFormat, features: int) -> NDArray[np.float32]:
    """Return texts as (N, features), 0 for empty ones."""
    words = cells.as_words()
    assert words.codes is not None
    known = [word if word.lower() not in form.missing else "" for word in words.words]
    return hashed_text.hashed([*known, ""], features)[words.codes]


def codes(cells: Cells, spec: Spec) -> NDArray[np.float64]:
    """Return the codes (N,) of a column's categories, from 1; 0 for unknown and missing ones."""
    known = {category: code for code, category in enumerate(spec["categories"], start=1)}
    words = cells.as_words()
    missing = format_of(spec).missing
    numbers = [0 if word.lower() in missing else known.get(word, 0) for word in words.words]
    return words.spread(np.array(numbers, dtype=np.float64), 0.0)


def unknown_categories(cells: Cells, spec: Spec) -> str:
    """Return a sentence on the cells of a column with words absent from training."""
    known, missing = {*spec["categories"]}, format_of(spec).missing
    words = cells.as_words()
    strange = [word.lower() not in missing and word not in known for word in words.words]
    rows = np.flatnonzero(words.spread(np.array(strange, dtype=bool), empty=False))
    if not len(rows):
        return ""
    distinct = sum(new and bool(count) for new, count in zip(strange, words.counts, strict=True))
    return (
        f"'{cells.name}': {len(rows)} of {len(cells)} cells hold {distinct} value(s) absent from "
        f"training ('{words.at(int(rows[0]))}' in row {rows[0] + 1}); read as unknown."
    )


def settle_unreadable(
    cells: Cells, bad: NDArray[np.intp], form: ColumnFormat, rule: Unreadable
) -> str:
    """Return a sentence on the cells that do not fit a column, or reject them.

    Raises:
        UserError: the rule, or their number, does not allow reading them as missing.

    """
    if not len(bad):
        return ""
    shown = ", ".join(f"'{cells.at(int(row))}' in row {row + 1}" for row in bad[:3])
    more = ", ..." if len(bad) > 3 else ""
    kind = {"number": "numbers", "date": "dates", "boolean": "yes or no"}[form.type]
    how = f" ({form.describe()})" if form.describe() else ""
    told = f"'{cells.name}': {len(bad)} of {len(cells)} cells are not {kind}{how}: {shown}{more}"
    if rule == "missing" or (rule == "few" and len(bad) <= FEW * len(cells)):
        return f"{told}; read as missing."
    raise UserError(
        told,
        code=Code.DATA,
        hint="Repair them; or read them as missing: data.unreadable=missing"
        f"{_how_they_are_written(cells, form)}",
    )


def _how_they_are_written(cells: Cells, form: ColumnFormat) -> str:
    """Return the keys that would read a column's cells, if all have one format."""
    keys = {"number": "data.decimal= or data.thousands=", "date": "data.date_format="}
    if form.type not in keys:
        return ""
    try:
        found = infer(cells, separator=",")
    except UserError:  # in several ways
        return f"; or give their format: {keys[form.type]}"
    if found.type != form.type or found.unit != form.unit:
        return ""
    if found.thousands:  # or a decimal mark, where training had another
        return f"; or give their format: {keys[form.type]}"
    if form.type == "date":
        return f"; or give their format: data.date_format='{found.form}'"
    return f"; or give their format: data.decimal='{found.decimal}'"


def _in_range(values: NDArray[np.float64], cells: Cells) -> NDArray[np.float64]:
    """Return the values, unless one is infinite or too large for 32-bit floating point."""
    if (
        len(values)
        and not max(np.nanmax(values, initial=0), -np.nanmin(values, initial=0)) <= LARGEST
    ):
        bad = np.flatnonzero(np.abs(values) > LARGEST)
        raise UserError(
            f"Column '{cells.name}', row {bad[0] + 1}: {cells.at(int(bad[0]))} is infinite or too "
            f"large (beyond {LARGEST:.1e})",
            code=Code.DATA,
            hint=f"Repair or empty such cells ({len(bad)} in all)",
        )
    return values


def _offset(values: NDArray[np.float64]) -> float:
    """Return a value to subtract if 32-bit floats would blur the differences, else 0."""
    known = values[~np.isnan(values)]
    return float(known[0]) if len(known) and blurred(known) else 0.0


def blurred(known: NDArray[np.float64]) -> bool:
    """Return whether 32-bit floats would blur the differences of values."""
    spread = known.std()
    return bool(spread > 0 and np.abs(known).max() * FLOAT32_STEP > BLUR * spread)


def offsets_of(inputs: NDArray[Any]) -> NDArray[Any] | None:
    """Return a value of each feature (F,) to subtract if float32 would blur its differences.

    None if there are no such features; 0 for features that are not blurred. Integers stay integers.
    """
    if inputs.dtype.kind not in "iuf" or inputs.dtype.itemsize < 4 or inputs.dtype == np.float32:
        return None
    columns = inputs.reshape(-1, inputs.shape[-1])
    wide = np.int64 if inputs.dtype.kind in "iu" else np.float64
    first = columns[0].astype(wide)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = (columns.astype(wide) - first).std(axis=0)
        blurs = np.abs(columns).max(axis=0) * FLOAT32_STEP > BLUR * spread
    found: NDArray[Any] = np.where(blurs & (spread > 0), first, wide(0))
    return found if found.any() else None


def offsets_remark(offsets: NDArray[Any]) -> str:
    """Return a sentence on what is subtracted from features, see `offsets_of`."""
    which = np.flatnonzero(offsets)
    return (
        f"{len(which)} feature(s) have values so large that 32 bits would blur their differences, "
        f"such as feature {which[0]}: {offsets[which[0]]} is subtracted from it."
    )


def _date_parts(moments: NDArray[Any]) -> Spec:
    """Return the features of a column of dates, and the offset of its days."""
    known = moments[~np.isnat(moments)]
    days = known.astype("datetime64[D]")
    timed = bool((known != days).any())
    if timed and len(np.unique(days)) == 1:
        return {"parts": ["", "hour"], "offset": float(days[0].astype(np.int64))}
    offset = float(days.min().astype(np.int64)) if timed else 0.0
    return {"parts": list(PARTS if timed else PARTS[:3]), "offset": offset}


def _calendar(moments: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Return days since 1970, month, day of the week and hour of each time."""
    import pandas as pd

    when = pd.DatetimeIndex(moments)
    days = np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / DAY.astype(np.int64))
    return [
        days,
        *(np.asarray(each, dtype=np.float64) for each in (when.month, when.day_of_week, when.hour)),
    ]
