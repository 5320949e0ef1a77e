"""Turn target values into a tensor and infer the task."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.columns import Spec, describe, not_numbers, numbers
from quintet.problems import PROBLEMS, Task

if TYPE_CHECKING:
    import pandas as pd

FEW = 20
"""Whole numbers with at most this many different values, each ten times on average, are classes."""


@dataclass
class Target:
    """A target ready for `Samples`: tensor, task, names of classes or columns, a summary."""

    y: Tensor
    task: Task
    names: list[str]
    summary: str


def target_of(
    frame: "pd.DataFrame", names: list[str], task: str | None, positive: str | int | None = None
) -> Target:
    """Read the target columns and infer the task, unless it is given.

    Args:
        frame: only the target columns, plain (see `read_frame`).
        names: their names.
        task: binary, multiclass, multilabel or regression; None infers it.
        positive: the class to be class 1 of a binary task; None takes yes, true or
            the like, else the last in order.

    Raises:
        UserError: a missing value, one class only, or values that do not fit the given task.

    """
    if task is not None and task not in PROBLEMS:
        raise UserError(
            "is unknown",
            code=Code.UNKNOWN_NAME,
            key="data.task",
            value=task,
            allowed=PROBLEMS,
        )
    for name in names:
        _complete(frame[name], name)
    specs = [describe(frame[name], name) for name in names]
    values = [_values(frame[str(spec["name"])], spec) for spec in specs]
    truths = [spec.get("true") for spec in specs]
    found = task or _infer(values)
    if not PROBLEMS[found].readable_columns:
        raise UserError(
            "does not have its targets in columns",
            code=Code.INCOMPATIBLE,
            key="data.task",
            value=found,
            allowed=[name for name, each in PROBLEMS.items() if each.readable_columns],
        )
    if PROBLEMS[found].exclusive:
        if len(names) > 1:
            raise UserError(
                f"takes one target column, {len(names)} were given",
                code=Code.INCOMPATIBLE,
                key="data.task",
                value=found,
                hint="Use data.task=multilabel for several yes-no columns",
            )
        target = _classes(values[0], names[0], found, truths[0] if positive is None else positive)
        if task is None and not PROBLEMS[found].most_classes and values[0].dtype != object:
            target.summary += " They are whole numbers; data.task=regression predicts a value."
        return target
    if positive is not None:
        raise UserError(
            f"is for a binary task, this one is {found}",
            code=Code.INCOMPATIBLE,
            key="data.positive",
            value=positive,
        )
    return _several(values, names, truths, found)


def _complete(column: "pd.Series[Any]", name: str) -> None:
    """Refuse missing target values."""
    missing = np.flatnonzero(column.isna().to_numpy())
    if len(missing):
        rows = ", ".join(str(row + 1) for row in missing[:5])
        raise UserError(
            f"The target '{name}' is missing in {len(missing)} of {len(column)} rows (first: "
            f"{rows}, counted after the header)",
            code=Code.DATA,
            hint="Fill or delete these rows",
        )


def _values(column: "pd.Series[Any]", spec: Spec) -> NDArray[Any]:
    """Return a target as numbers if it is one, else as text."""
    name = spec["name"]
    if spec["type"] == "number":
        if strange := not_numbers(column, spec):
            raise UserError(
                f"The target '{name}' holds numbers but also '{strange[0]}' ({len(strange)} such "
                "values in all)",
                code=Code.DATA,
                hint="Repair or delete these rows",
            )
        return numbers(column, name, spec["style"])
    if spec["type"] == "boolean":
        return np.array([str(cell).lower() for cell in column], dtype=object)
    return np.array([str(cell) for cell in column], dtype=object)


def _infer(values: list[NDArray[Any]]) -> Task:
    """Infer the task from the type and the number of different values."""
    numeric = all(v.dtype != object for v in values)
    if len(values) > 1:
        if all(_is_binary(v) for v in values):
            return "multilabel"
        if numeric:
            return "regression"
        raise UserError(
            "Several target columns must all be numbers (regression) or all yes-no (multilabel)",
            code=Code.DATA,
        )
    column = values[0]
    distinct = len(np.unique(column))
    if numeric and not _is_binary(column):
        whole = bool((column == np.round(column)).all())
        few = distinct <= FEW and len(column) >= 10 * distinct
        return "multiclass" if whole and few else "regression"
    return "binary" if distinct <= 2 else "multiclass"


def _is_binary(column: NDArray[Any]) -> bool:
    distinct = set(np.unique(column).tolist())
    return len(distinct) <= 2 and (column.dtype == object or distinct <= {0.0, 1.0})


def _classes(column: NDArray[Any], name: str, task: str, positive: str | int | None) -> Target:
    distinct, index = np.unique(column, return_inverse=True)
    names = [_text(value) for value in distinct]
    if len(names) < 2:
        raise UserError(
            f"The target '{name}' has one class only ('{names[0]}'): there is nothing to learn",
            code=Code.DATA,
            hint="Is it the right column?",
        )
    most = PROBLEMS[task].most_classes
    if most and len(names) > most:
        raise UserError(
            f"needs two classes, but '{name}' has {len(names)} classes",
            code=Code.INCOMPATIBLE,
            key="data.task",
            value=task,
            hint="Use data.task=multiclass",
        )
    if len(names) > max(FEW, len(column) // 2):
        raise UserError(
            f"The target '{name}' has {len(names)} different values in {len(column)} rows: too "
            "many for classes",
            code=Code.DATA,
            hint="Is it the right column, or does a number hold stray text?",
        )
    if positive is not None:
        names, index = _ordered(names, index, str(positive))
    counts = Counter(index.tolist())
    shares = ", ".join(f"{n} {counts[i] / len(column):.1%}" for i, n in enumerate(names[:6]))
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    first = f" '{names[1]}' is the positive class (1)." if most else ""
    summary = f"Target '{name}': {task}, {len(names)} classes: {shares}{more}.{first}"
    return Target(torch.from_numpy(index.astype(np.int64)), task, names, summary)


def _ordered(
    names: list[str], index: NDArray[Any], positive: str
) -> tuple[list[str], NDArray[Any]]:
    """Make `positive` the second of two classes."""
    if len(names) != 2 or positive.lower() not in [name.lower() for name in names]:
        raise UserError(
            "must be one of two classes",
            code=Code.UNKNOWN_NAME if len(names) == 2 else Code.INCOMPATIBLE,
            key="data.positive",
            value=positive,
            allowed=names,
        )
    return (names, index) if names[1].lower() == positive.lower() else (names[::-1], 1 - index)


def _several(
    values: list[NDArray[Any]], names: list[str], truths: list[str | None], task: str
) -> Target:
    """Make the targets of a multilabel task or a regression."""
    columns = []
    for name, column, truth in zip(names, values, truths, strict=True):
        if PROBLEMS[task].yes_no:
            if not _is_binary(column):
                raise UserError(
                    f"Label '{name}' of the multilabel target is not a yes-no column",
                    code=Code.DATA,
                )
            if column.dtype == object:
                column = column == (truth or max(column))
        elif column.dtype == object:
            raise UserError(
                f"needs numbers, but the target '{name}' is text (for example '{column[0]}')",
                code=Code.INCOMPATIBLE,
                key="data.task",
                value=task,
                hint="Choose another column, or a classification task",
            )
        elif len(np.unique(column)) < 2:
            raise UserError(
                f"The target '{name}' is always {column[0]:g}: there is nothing to learn",
                code=Code.DATA,
            )
        columns.append(column)
    y = torch.from_numpy(np.stack(columns, axis=1).astype(np.float32))
    listed = ", ".join(f"'{name}'" for name in names)
    if PROBLEMS[task].yes_no:
        positive = zip(names, y.mean(dim=0).tolist(), strict=True)
        shares = ", ".join(f"{name} {share:.1%}" for name, share in positive)
        return Target(y, task, names, f"Target: {task}, positive shares: {shares}.")
    low, high = float(y.min()), float(y.max())
    summary = f"Target {listed}: {task}, values from {low:g} to {high:g}."
    return Target(y, task, names, summary)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
