"""The columns of a table that make a series: values, times, and the names of several series."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError
from quintet.data.data_summary import ColumnSummary, summary_of
from quintet.data.parsing.column_cells import Cells
from quintet.data.parsing.inference import infer
from quintet.data.parsing.near_misses import near_miss
from quintet.data.parsing.rules import Rules
from quintet.data.parsing.table_file import RawTable
from quintet.data.sources.columns import Spec, describe, format_of, number, settle_unreadable
from quintet.data.sources.frames import require
from quintet.data.sources.time_steps import Times
from quintet.data.splitting.groups import missing_group

TIME_NAMES = ("date", "time", "datetime", "timestamp", "ds", "day", "month", "year")
"""Name of the column of times, if there are several columns of dates."""


@dataclass
class SeriesColumns:
    """The columns of a table that form a series."""

    values: NDArray[np.float64]
    times: Times | None
    groups: NDArray[Any] | None
    time: str | None
    specs: list[Spec]
    summaries: list[ColumnSummary]
    remarks: list[str]


def columns_of(
    table: RawTable, target: str, time: str | None, group: str | None, rules: Rules
) -> SeriesColumns:
    """Parse the target, the time and the group of a table.

    Args:
        table: the file.
        target: name of the column of values.
        time: name of the column of times; None to find it, "none" for none.
        group: name of the column of series names; None for a single series.
        rules: how cells are read.

    Raises:
        UserError: no such column, or cells that do not fit its role.

    """
    roles = {target: "target"}
    for key, name in (("time", None if time == "none" else time), ("group", group)):
        if name is not None:
            require([name], table.columns, f"data.{key}")
            if name in roles:
                raise UserError(
                    f"is the {roles[name]}; it cannot have another role as well",
                    code=Code.CONFLICT,
                    key=f"data.{key}",
                    value=name,
                )
            roles[name] = key
    cells = table[target]
    form = infer(cells, rules, table.separator)
    if form.type != "number":
        meant = near_miss(cells, form.missing) if form.type == "category" else ""
        form = format_of(number(target))
        _refuse_no_numbers(cells, form.parse(cells).bad, target, meant)
    spec, parsed = describe(cells, form)
    settled = settle_unreadable(cells, parsed.bad, form, rules.unreadable)
    found = SeriesColumns(
        parsed.values, None, None, None, [spec],
        [summary_of(cells, spec, parsed, "target")], [settled] if settled else [],
    )  # fmt: skip
    name = _time_column(table, time, {target, group}, rules, found.remarks)
    if name is not None:
        form = infer(table[name], rules, table.separator)
        spec, parsed = describe(table[name], form)
        if form.type not in ("date", "number") or len(parsed.bad):
            row = int(parsed.bad[0]) if len(parsed.bad) else 0
            shown = f", which '{table[name].at(row)}' in row {row + 1} is not"
            raise UserError(
                f"must be a date or a number in every row{shown}",
                code=Code.DATA,
                key="data.time",
                value=name,
                hint="Repair it, give its data.date_format=, or use the order of the rows: "
                "data.time=none",
            )
        found.time, found.times = name, parsed.values
        found.specs.append(spec)
        found.summaries.append(summary_of(table[name], spec, parsed, "time"))
    if group is not None:
        found.groups = group_names(table[group])
        spec, parsed = describe(table[group], format_of({"type": "category"}))
        found.specs.append(spec)
        found.summaries.append(summary_of(table[group], spec, parsed, "group"))
    known = {each.name for each in found.summaries}
    found.summaries += [
        ColumnSummary(other, "", "", 0.0, "not used")
        for other in table.columns
        if other not in known
    ]
    return found


def _refuse_no_numbers(cells: Cells, bad: NDArray[np.intp], target: str, meant: str) -> None:
    if not len(bad) and not meant:
        return
    row = int(bad[0]) if len(bad) else 0
    what = "is not a number" if len(bad) else "is too long a number"
    raise UserError(
        f"holds '{cells.at(row)}' in row {row + 1}, which {what}"
        f"{f' ({len(bad)} such values)' if len(bad) else ''}",
        code=Code.DATA,
        key="data.target",
        value=target,
        hint=meant[:1].upper() + meant[1:]
        or "A series is a column of numbers in time order: name another, or repair these cells",
    )


def _time_column(
    table: RawTable, time: str | None, others: set[str | None], rules: Rules, remarks: list[str]
) -> str | None:
    """Return the column of dates, if there is one."""
    if time is not None:
        return None if time == "none" else time
    dates = [
        name
        for name, cells in table.columns.items()
        if name not in others and infer(cells, rules, table.separator).type == "date"
    ]
    named = [name for name in dates if name.lower() in TIME_NAMES]
    if len(dates) > 1 and len(named) != 1:
        raise UserError(
            f"must be one of the columns of dates, {', '.join(dates)}",
            code=Code.MISSING_VALUE,
            key="data.time",
            value="null",
            allowed=[*dates, "none"],
        )
    if not dates:
        remarks.append("No column of dates: the order of the rows is used (data.time= names one).")
        return None
    chosen = named[0] if len(dates) > 1 else dates[0]
    remarks.append(f"The time is '{chosen}' (another: data.time=).")
    return chosen


def group_names(cells: Cells) -> NDArray[Any]:
    """Return the name of each row's series, (N,).

    Raises:
        UserError: a row has none.

    """
    words = cells.as_words()
    assert words.codes is not None
    if (words.codes < 0).any():
        raise missing_group(cells.name)
    return np.array(words.words, dtype=object)[words.codes].astype(str)
