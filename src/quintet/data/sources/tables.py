"""The user's own table: a csv or parquet file whose columns are inputs and targets."""

from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError, check_known
from quintet.base.paths import expand_home
from quintet.data.data_summary import (
    ColumnSummary,
    input_summary,
    reason_to_drop,
    remark,
    repeated_rows,
    summary_of,
)
from quintet.data.parsing.column_cells import Cells
from quintet.data.parsing.inference import doubt, infer_all
from quintet.data.parsing.near_misses import near_miss
from quintet.data.parsing.rules import Rules, Unreadable
from quintet.data.parsing.table_file import RawTable, read_table
from quintet.data.samples import Samples
from quintet.data.sources.columns import Spec, describe, encode, settle_unreadable
from quintet.data.sources.frames import require
from quintet.data.sources.table_images import ImageColumns, files_of, with_images
from quintet.data.sources.table_parts import read_parts, rows_of_files, split_of
from quintet.data.sources.targets import may_be_classes, missing_targets, target_of
from quintet.data.splitting.groups import missing_group

Names = str | int | list[str | int] | None
Marks = str | dict[str, str] | None
MissingTarget = Literal["refuse", "drop"]


def csv(
    path: str | None = None,
    target: Names = None,
    task: str | None = None,
    positive: str | int | bool | None = None,
    columns: Names = None,
    drop: Names = None,
    categories: Names = None,
    text: Names = None,
    missing_target: MissingTarget = "refuse",
    group: str | None = None,
    time: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    skip_rows: int | None = None,
    comment: str | None = None,
    decimal: Marks = None,
    thousands: Marks = None,
    date_format: Marks = None,
    missing: str | list[str] | None = None,
    unreadable: Unreadable = "few",
    split: str | None = None,
    val_path: str | None = None,
    test_path: str | None = None,
    image: Names = None,
    size: int | list[int] | None = None,
    grayscale: bool | None = None,
    background: str = "white",
    lazy: bool = False,
) -> Samples:
    """Read a csv file, or parquet by its suffix, into samples of kind table.

    With a column of image files, samples are of kind image; with other columns as well they have
    two inputs, `image` and `table`, which reach a model by these names. Images of several columns
    reach it by the columns' names.

    Numbers, yes-no columns and dates become numbers (NaN where missing), text becomes categories.
    Identifiers, constant and empty columns are left out, as the summary reports.

    Args:
        path: the file.
        target: the column to predict; several make a regression or a multilabel task.
        task: binary, multiclass, multilabel or regression; None infers it from the target.
        positive: the class that is class 1 of a binary task; None for yes, true, 1 or the like,
            else the class of up to a fifth of the rows, else the last in order.
        columns: input columns; None for all but the target. A column named here is kept even
            if it looks like an identifier.
        drop: columns to leave out.
        categories: columns whose numbers are names, such as post codes; always kept.
        text: columns of free text, each read as 256 numbers: hashed n-grams of its characters.
        missing_target: whether rows without a target are rejected or dropped.
        group: column of groups, each of which stays in one part of the split.
        time: column to sort by; the split is then in time order.
        separator: separator of cells, one character or several, or "space" for any white space;
            None to infer it.
        encoding: of the text; None for that of a byte order mark, else UTF-8.
        skip_rows: lines before the header; None to find the header.
        comment: what begins a comment, which runs to the end of its line.
        decimal: decimal mark, for all columns or as a mapping from columns; None to infer it.
        thousands: mark between groups of three digits, likewise; "" for none.
        date_format: format of dates, as of `strptime`, likewise.
        missing: words that mean "no value"; None for NA, null and the like.
        unreadable: what to do with cells that do not fit their column: refuse, missing, or few
            (missing up to a tenth of a column, refuse beyond).
        split: column that names the part of each row: train, val or test.
        val_path: a file of validation rows, with the same columns.
        test_path: likewise, of test rows.
        image: column of image files, or several; paths are relative to the table's folder.
        size: of all images, as in `quintet.data.sources.images.images`, like the following ones.
        grayscale: whether images have one channel or three.
        background: background colour of transparent images.
        lazy: leave the images on disk and read each batch on demand.

    Raises:
        UserError: anything wrong with the file, the options or the values.

    """
    named, worded = frozenset(listed(categories)), frozenset(listed(text))
    rules = Rules(decimal, thousands, date_format, missing, unreadable, named, worded)
    layout = {"separator": separator, "encoding": encoding, "skip_rows": skip_rows,
              "comment": comment}  # fmt: skip
    targets, chosen, left_out = listed(target), listed(columns), listed(drop)
    others = {"val": val_path, "test": test_path}
    read = partial(read_table, layout=layout, missing=_words(rules))
    table, parts = read_parts(path, others, read, targets)
    _check_options(table, targets, chosen, left_out, group, time)
    pictured = listed(image)
    require(pictured, table.columns, "data.image", table.header_hint)
    require(sorted(named), table.columns, "data.categories", table.header_hint)
    require(sorted(worded), table.columns, "data.text", table.header_hint)
    numbers = rows_of_files(parts, len(table))
    parts = split_of(table, split, parts)
    if written := [name for name in targets if may_be_classes(table[name], task)]:
        table, _ = read_parts(path, others, partial(read, text=written), targets)
    rows_summary = [f"{path}: {len(table)} rows, {len(table.columns)} columns.", *table.remarks]
    if (known := rows_with_targets(table, targets, missing_target, rules)) is not None:
        rows_summary.append(f"{len(table) - len(known)} rows have no target and are left out.")
        parts = None if parts is None else parts[torch.from_numpy(known)]
        table.columns = {name: cells.take(known) for name, cells in table.columns.items()}
        numbers = numbers[torch.from_numpy(known)]
    if (twice := repeated_rows(table.columns.values())) > 0:
        repeats = "1 row repeats" if twice == 1 else f"{twice} rows repeat"
        rows_summary.append(f"{repeats} an earlier row; copies may end up in different parts.")
    if time:
        order = _sort(table, time, rules)
        numbers = numbers[torch.from_numpy(order)]
        parts = None if parts is None else parts[torch.from_numpy(order)]
        rows_summary.append(f"Sorted by '{time}': the split is in time order.")
    found = target_of(table, targets, task, positive, rules)
    home = expand_home(str(path)).parent
    files = {name: files_of(table[name], home) for name in pictured}
    special = {*targets, *left_out, group, time, split, *pictured}
    names = chosen or [name for name in table.columns if name not in special]
    inputs = inputs_of(table, names, {*chosen, *named, *worded}, rules, alone=not pictured)
    used = {name: use for names, use in ((left_out, "left out: data.drop"),
            (listed(group), "group"), (listed(time), "time"), (listed(split), "split"),
            (pictured, "images"))
            for name in names}  # fmt: skip
    columns_told = _in_order(table, [*found.columns, *inputs.columns], used)
    groups = codes_of(table[group]) if group else None
    samples = Samples(
        x=encode(table.columns, inputs.specs, used_up=True),
        y=found.y,
        task=found.task,
        kind="table",
        class_names=found.names,
        cardinalities=inputs.cardinalities,
        ordered=time is not None,
        groups=groups,
        split=parts,
        file_rows=numbers,
        data_summary=[*rows_summary, found.summary, *inputs.remarks],
        columns=columns_told,
        reader={
            "kind": "table",
            "columns": inputs.specs,
            "layout": {key: value for key, value in layout.items() if value is not None},
            "unreadable": unreadable,
        },
    )
    if not pictured:
        return samples
    return with_images(samples, files, ImageColumns(pictured, size, grayscale, background, lazy))


class Inputs:
    """The input columns of a table: their descriptions, numbers first, and the columns left out."""

    def __init__(self) -> None:
        self.specs: list[Spec] = []
        self.columns: list[ColumnSummary] = []
        self.remarks: list[str] = []

    @property
    def cardinalities(self) -> list[int]:
        """Number of codes of each category column, including the unknown one."""
        return [len(s["categories"]) + 1 for s in self.specs if s["type"] == "category"]


def inputs_of(
    table: RawTable, names: list[str], keep: set[str], rules: Rules, *, alone: bool = True
) -> Inputs:
    """Describe the input columns; leave out those that cannot help, except for those to `keep`.

    Raises:
        UserError: none is left, and there are no other inputs (`alone`).

    """
    found = Inputs()
    cells = [table[name] for name in names]
    for column, form in zip(cells, infer_all(cells, rules, table.separator), strict=True):
        spec, parsed = describe(column, form)
        clear = any(rules.of(key, column.name) is not None for key in ("decimal", "thousands"))
        told = [settle_unreadable(column, parsed.bad, form, rules.unreadable)]
        told.append("" if clear else doubt(column, form, table.separator))
        reason = "" if column.name in keep else reason_to_drop(column, spec, parsed)
        if form.type == "category" and (meant := near_miss(column, form.missing)):
            told.append(f"'{column.name}': {meant}.")
            reason = reason and meant
        use = f"left out: {reason}" if reason else "input"
        found.columns.append(summary_of(column, spec, parsed, use))
        if not reason:
            found.specs.append(spec)
            told.append(remark(column, spec, parsed))
        found.remarks += filter(None, told)
    if not found.specs and not alone:
        return found
    if not found.specs:
        reasons = " ".join(f"'{each.name}': {each.use}." for each in found.columns)
        raise UserError(
            "No input column is left",
            code=Code.DATA,
            hint=f"{reasons} data.columns= keeps a column" if reasons else "Give more columns",
        )
    found.specs.sort(key=lambda spec: bool(spec["type"] == "category"))
    found.remarks.insert(0, input_summary(found.specs))
    return found


def _words(rules: Rules) -> list[str] | None:
    return None if rules.missing is None else sorted(rules.missing_words)


def _in_order(
    table: RawTable, found: list[ColumnSummary], others: dict[str, str]
) -> list[ColumnSummary]:
    """Return the summaries of all columns, in the order of the file."""
    by_name = {each.name: each for each in found}
    return [
        by_name.get(name) or ColumnSummary(name, "", "", 0.0, others.get(name, "not used"))
        for name in table.columns
    ]


def _check_options(
    table: RawTable, targets: list[str], chosen: list[str], left_out: list[str],
    group: str | None, time: str | None,
) -> None:  # fmt: skip
    """Check that all named columns exist and do not contradict each other."""
    if not targets:
        raise UserError(
            "has no value, and one is required here",
            code=Code.MISSING_VALUE,
            key="data.target",
            allowed=table.columns,
            hint="Give data.target=<column>",
        )
    for names, option in (
        (targets, "data.target"), (chosen, "data.columns"), (left_out, "data.drop"),
        (listed(group), "data.group"), (listed(time), "data.time"),
    ):  # fmt: skip
        require(names, table.columns, option, table.header_hint)
    if both := set(targets) & {*chosen, *left_out, group, time}:
        raise UserError(
            "is the target, so it cannot have another role as well",
            code=Code.CONFLICT,
            key="data.target",
            value=min(both),
        )
    if group and time:
        raise UserError(
            f"and data.time={time} cannot be combined",
            code=Code.CONFLICT,
            key="data.group",
            value=group,
            hint="Set one of them to null",
        )


def _sort(table: RawTable, time: str, rules: Rules) -> NDArray[np.intp]:
    """Sort the rows by a date or number column; return their order."""
    form = infer_all([table[time]], rules, table.separator)[0]
    parsed = form.parse(table[time])
    absent = int((parsed.values != parsed.values).sum())
    if form.type not in ("date", "number") or absent:
        raise UserError(
            f"must be a date or a number in every row; it is a {form.type} with {absent} missing "
            f"or unreadable{_first(table[time], parsed.bad)}",
            code=Code.DATA,
            key="data.time",
            value=time,
        )
    order = np.argsort(parsed.values, kind="stable")
    table.columns = {name: cells.take(order) for name, cells in table.columns.items()}
    return order


def _first(cells: Cells, bad: Any) -> str:
    return f" ('{cells.at(int(bad[0]))}' in row {bad[0] + 1})" if len(bad) else ""


def rows_with_targets(
    table: RawTable, targets: list[str], wish: MissingTarget, rules: Rules
) -> NDArray[np.intp] | None:
    """Return the rows that have all targets if others are dropped; None for all rows.

    Raises:
        UserError: an unknown value of the option.

    """
    check_known("data.missing_target", wish, get_args(MissingTarget))
    there = np.ones(len(table), dtype=bool)
    for name in targets if wish == "drop" else []:
        there &= ~missing_targets(table[name], table.separator, rules)
    return None if there.all() else np.flatnonzero(there)


def codes_of(cells: Cells) -> torch.Tensor:
    """Return the number of each row's group."""
    words = cells.as_words()
    assert words.codes is not None
    missing = [word.lower() in ("", "na", "nan", "null") for word in words.words]
    if words.spread(np.array(missing, dtype=bool), True).any():
        raise missing_group(cells.name)
    return torch.from_numpy(words.codes.astype(np.int64))


def listed(names: Names) -> list[str]:
    """Return one, several or no names as a list."""
    if names is None:
        return []
    return [str(name) for name in names] if isinstance(names, list) else [str(names)]
