"""The user's own table: csv or parquet, column types inferred from their values."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from quintet.base.errors import Code, UserError
from quintet.data.columns import Spec, describe, encode, values_of
from quintet.data.data_summary import column_remarks, input_summary, reason_to_drop
from quintet.data.frames import read_frame, require
from quintet.data.samples import Samples
from quintet.data.targets import target_of

if TYPE_CHECKING:
    import pandas as pd

Names = str | int | list[str | int] | None


def csv(
    path: str | None = None,
    target: Names = None,
    task: str | None = None,
    positive: str | int | None = None,
    columns: Names = None,
    drop: Names = None,
    group: str | None = None,
    time: str | None = None,
    separator: str | None = None,
    encoding: str = "utf-8-sig",
) -> Samples:
    """Read a csv file, or parquet by its suffix, into samples of kind table.

    Numbers, yes-no columns and dates become numbers (NaN where missing), text becomes categories.
    Identifiers, columns of one value and empty columns are left out, as the summary reports.

    Args:
        path: the file.
        target: the column to predict; several make a regression or a multilabel task.
        task: binary, multiclass, multilabel or regression; None infers it from the target.
        positive: the class that is class 1 of a binary task; None takes yes, true or the like,
            else the last in order.
        columns: input columns; None takes all but the target. A column named here is kept even
            if it looks like an identifier.
        drop: columns to leave out.
        group: column whose equal values must stay in one part of the split.
        time: column to sort by; the split is then in time order.
        separator: between two cells; None finds it.
        encoding: of the text.

    Raises:
        UserError: anything wrong with the file, the options or the values.

    """
    frame = read_frame(path, separator, encoding)
    targets, chosen, left_out = listed(target), listed(columns), listed(drop)
    _check_options(frame, targets, chosen, left_out, group, time)
    rows_summary = [f"{path}: {len(frame)} rows, {len(frame.columns)} columns."]
    if (twice := int(frame.astype(str).duplicated().sum())) > 0:
        repeats = "1 row repeats" if twice == 1 else f"{twice} rows repeat"
        rows_summary.append(f"{repeats} an earlier row; copies may end in different parts.")
    if time:
        frame = _sorted_by(frame, time)
        rows_summary.append(f"Sorted by '{time}': the split is in time order.")
    found = target_of(frame[targets], targets, task, positive)
    special = {*targets, *left_out, group, time}
    names = chosen or [str(name) for name in frame.columns if name not in special]
    specs, input_remarks = inputs_of(frame, names, keep=set(chosen))
    categories = [len(s["categories"]) + 1 for s in specs if s["type"] == "category"]
    return Samples(
        x=encode(frame, specs),
        y=found.y,
        task=found.task,
        kind="table",
        class_names=found.names,
        cardinalities=categories,
        ordered=time is not None,
        groups=codes_of(frame[group]) if group else None,
        data_summary=[*rows_summary, found.summary, *input_remarks],
        reader={
            "kind": "table",
            "columns": specs,
            "separator": separator,
            "encoding": encoding,
        },
    )


def inputs_of(
    frame: "pd.DataFrame", names: list[str], keep: set[str]
) -> tuple[list[Spec], list[str]]:
    """Describe the input columns, numbers first, and return remarks on them."""
    specs, remarks = [], []
    for name in names:
        spec = describe(frame[name], name)
        if (reason := reason_to_drop(frame[name], spec)) and name not in keep:
            remarks.append(f"Left out '{name}': {reason}.")
        else:
            specs.append(spec)
            remarks.extend(column_remarks(frame[name], spec))
    if not specs:
        raise UserError(
            "No input column is left",
            code=Code.DATA,
            hint=" ".join(remarks) or "Give more columns",
        )
    specs.sort(key=lambda spec: bool(spec["type"] == "category"))
    return specs, [input_summary(specs), *remarks]


def _check_options(
    frame: "pd.DataFrame", targets: list[str], chosen: list[str], left_out: list[str],
    group: str | None, time: str | None,
) -> None:  # fmt: skip
    """Check that all columns named are there and do not contradict each other."""
    if not targets:
        raise UserError(
            "No target column is given",
            code=Code.MISSING_VALUE,
            allowed=frame.columns,
            hint="Give data.target=<column>",
        )
    for names, option in (
        (targets, "data.target"), (chosen, "data.columns"), (left_out, "data.drop"),
        (listed(group), "data.group"), (listed(time), "data.time"),
    ):  # fmt: skip
        require(names, frame, option)
    if both := set(targets) & {*chosen, *left_out, group, time}:
        raise UserError(
            f"'{min(both)}' is the target; it cannot have another role as well", code=Code.CONFLICT
        )
    if group and time:
        raise UserError(
            f"and data.time={time} cannot be combined",
            code=Code.CONFLICT,
            key="data.group",
            value=group,
            hint="Set one of them to null",
        )


def _sorted_by(frame: "pd.DataFrame", time: str) -> "pd.DataFrame":
    """Sort the rows by a date or number column."""
    spec = describe(frame[time], time)
    if spec["type"] not in ("date", "number") or frame[time].isna().any():
        raise UserError(
            f"must be a date or a number in every row; it is a {spec['type']} with "
            f"{int(frame[time].isna().sum())} missing",
            code=Code.DATA,
            key="data.time",
            value=time,
        )
    when = values_of(frame[time], spec)[:, 0]
    return frame.iloc[np.argsort(when, kind="stable")].reset_index(drop=True)


def codes_of(column: "pd.Series[Any]") -> torch.Tensor:
    """Return the number of each row's group."""
    if column.isna().any():
        raise UserError(
            "is missing in some rows",
            code=Code.DATA,
            key="data.group",
            value=column.name,
            hint="Fill them",
        )
    codes, _ = column.factorize()
    return torch.from_numpy(codes.astype(np.int64))


def listed(names: Names) -> list[str]:
    """Return names as a list, whether one, several or none were given."""
    if names is None:
        return []
    return [str(name) for name in names] if isinstance(names, list) else [str(names)]
