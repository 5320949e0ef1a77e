"""Turn target values into a tensor and infer the task."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError, check_known
from quintet.data.data_summary import ColumnSummary, summary_of
from quintet.data.parsing import numerals
from quintet.data.parsing.column_cells import Cells
from quintet.data.parsing.column_format import TRUE, ColumnFormat
from quintet.data.parsing.inference import doubt, infer_all
from quintet.data.parsing.near_misses import look_alikes, near_miss
from quintet.data.parsing.rules import Rules
from quintet.data.parsing.table_file import RawTable
from quintet.data.scaling.target_transform import less_skewed
from quintet.data.sources.columns import blurred, describe
from quintet.problems import PROBLEMS, Task, problem_of, task_of_classes

FEW = 20
"""Integers with at most this many distinct values, each ten times on average, are classes."""

RARE = 0.2
"""Share up to which the rarer of two classes is the positive one, if neither means yes."""


@dataclass
class Target:
    """A target ready for `Samples`: tensor, task, names of classes or columns, a summary."""

    y: Tensor
    task: Task
    names: list[str]
    summary: str
    columns: list[ColumnSummary] = field(default_factory=list)
    reader: dict[str, Any] = field(default_factory=dict)
    """The target's entries in `Samples.reader`."""


@dataclass
class Column:
    """A target column: its type, its values, and how its cells are written."""

    name: str
    type: str
    values: NDArray[Any]
    """(N,): float64 for numbers and yes-no columns, else class indices."""
    classes: list[str]
    """Spellings in the order of class indices."""
    index: NDArray[np.int64]
    """(N,) class indices."""
    meant: str = ""
    """What words may have been intended as instead of classes, or numbers as instead of values."""

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers."""
        return self.type in ("number", "date")

    @property
    def binary(self) -> bool:
        """Whether the column is yes-no, or 0 and 1, or has two classes."""
        two = len(self.classes) <= 2
        return two and (not self.numeric or bool(np.isin(self.values, (0.0, 1.0)).all()))


def _of_values(task: str | None) -> bool:
    """Return whether a task predicts values, whatever they look like."""
    return task in PROBLEMS and not PROBLEMS[task].discrete


def may_be_classes(cells: Cells, task: str | None) -> bool:
    """Return whether typed numbers may be classes, for which the spelling matters."""
    values = cells.values
    if values is None or values.dtype.kind != "f" or _of_values(task):
        return False
    return len(np.unique(values[: 100 * FEW])) <= FEW


def target_of(
    table: RawTable,
    names: list[str],
    task: str | None,
    positive: str | int | bool | None = None,
    rules: Rules | None = None,
) -> Target:
    """Read the target columns and infer the task, unless it is given.

    Args:
        table: with the target columns.
        names: their names.
        task: binary, multiclass, multilabel or regression; None infers it.
        positive: the class that is class 1 of a binary task; None for yes, true, 1 or the like,
            else the class of up to a fifth of the rows, else the last in order.
        rules: how cells are read.

    Raises:
        UserError: a missing value, only one class, or values that do not fit the given task.

    """
    if task is not None:
        check_known("data.task", task, PROBLEMS)
    found = [_read(table, name, rules or Rules()) for name in names]
    columns, summaries = [column for column, _ in found], [summary for _, summary in found]
    chosen = task or _infer(columns)
    problem = problem_of(chosen)
    if not problem.readable_columns:
        raise UserError(
            "does not have its targets in columns",
            code=Code.INCOMPATIBLE,
            key="data.task",
            value=chosen,
            allowed=[name for name, each in PROBLEMS.items() if each.readable_columns],
        )
    if problem.yes_no and task is None and (hot := _one_hot(columns)):
        hot.columns = summaries
        return hot
    if problem.exclusive:
        if len(names) > 1:
            raise UserError(
                f"takes one target column, but {len(names)} were given",
                code=Code.INCOMPATIBLE,
                key="data.task",
                value=chosen,
                hint="Use data.task=multilabel for several yes-no columns",
            )
        target = _classes(columns[0], chosen, positive)
        if task is None and not problem.most_classes and columns[0].numeric:
            target.summary += " They are integers; data.task=regression predicts a value."
    elif positive is not None:
        raise UserError(
            f"is for a binary task, but this one is {chosen}",
            code=Code.INCOMPATIBLE,
            key="data.positive",
            value=positive,
        )
    else:
        target = _several(columns, chosen)
    target.columns = summaries
    return target


def _read(table: RawTable, name: str, rules: Rules) -> tuple[Column, ColumnSummary]:
    """Return a target column with its format; every row must have a value.

    Text may be any word, including `none` and `NA`: only an empty cell is missing. If the column is
    otherwise numeric or yes-no, such words have their usual meaning.
    """
    cells = table[name]
    form = _format(cells, table.separator, rules)
    spec, parsed = describe(cells, form)
    if form.type == "date":
        days = parsed.values.astype(np.float64) / 86_400_000_000
        values = np.where(np.isnat(parsed.values), np.nan, days)
    else:
        values = parsed.values
    _complete(cells, values, parsed.bad)
    classes, index = _spelt(cells, form)
    summary = summary_of(cells, spec, parsed, "target")
    meant = near_miss(cells, form.missing) if form.type == "category" else ""
    settled = any(rules.of(key, name) is not None for key in ("decimal", "thousands"))
    meant = meant if meant or settled else doubt(cells, form, table.separator)
    return Column(name, form.type, values, classes, index, meant[:1].upper() + meant[1:]), summary


def _format(cells: Cells, separator: str | None, rules: Rules) -> ColumnFormat:
    form = infer_all([cells], rules, separator)[0]
    if form.type == "category" and rules.missing is None:
        return ColumnFormat("category", missing=frozenset({""}))
    return form


def missing_targets(cells: Cells, separator: str | None, rules: Rules) -> NDArray[np.bool_]:
    """Return which rows (N,) of a target column have no value; unreadable cells count as values."""
    parsed = _format(cells, separator, rules).parse(cells)
    values = parsed.values
    absent = np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)
    absent[parsed.bad] = False
    return np.asarray(absent)


def _complete(cells: Cells, values: NDArray[Any], bad: NDArray[np.intp]) -> None:
    """Reject missing and unreadable target values."""
    if len(bad):
        raise UserError(
            f"The target '{cells.name}' holds '{cells.at(int(bad[0]))}' in row {bad[0] + 1}, which "
            f"does not fit its other values ({len(bad)} such cells in all)",
            code=Code.DATA,
            hint="Repair or delete these rows",
        )
    missing = np.flatnonzero(np.isnan(values))
    if len(missing):
        rows = ", ".join(str(row + 1) for row in missing[:5])
        raise UserError(
            f"The target '{cells.name}' is missing in {len(missing)} of {len(cells)} rows (first: "
            f"{rows}, counted after the header)",
            code=Code.DATA,
            hint="Fill these rows, or leave them out: data.missing_target=drop",
        )


def _spelt(cells: Cells, form: ColumnFormat) -> tuple[list[str], NDArray[np.int64]]:
    """Return the classes in their most frequent spelling, in order, and each row's class index."""
    if cells.codes is None:
        distinct, index = np.unique(np.asarray(cells.values), return_inverse=True)
        typed = Cells(cells.name, values=distinct)
        return [typed.at(at) for at in range(len(distinct))], index.astype(np.int64)
    keys = [_key(word, form) for word in cells.words]
    used = [at for at, count in enumerate(cells.counts) if count]
    order = {key: at for at, key in enumerate(sorted({keys[at] for at in used}))}
    spelling: dict[Any, str] = {}
    for at in sorted(used, key=lambda at: int(cells.counts[at])):
        spelling[keys[at]] = cells.words[at]
    numbers = np.array([order.get(key, -1) for key in keys], dtype=np.int64)
    return [spelling[key] for key in order], cells.spread(numbers, -1)


def _key(word: str, form: ColumnFormat) -> Any:
    """Return a key that is equal for all spellings of a class, including large integers."""
    if form.type == "boolean":
        return word.lower() in TRUE
    if form.type == "number":
        plain = numerals.plain(form.numbers([word])[0], form.style)
        return int(plain) if plain.lstrip("+-").isdecimal() else float(plain)
    return word


def _infer(columns: list[Column]) -> Task:
    """Infer the task from the type and the number of different values."""
    if len(columns) > 1:
        if all(column.binary for column in columns):
            return "multilabel"
        if all(column.numeric for column in columns):
            return "regression"
        raise UserError(
            "Several target columns must all be numbers (regression) or all yes-no (multilabel)",
            code=Code.DATA,
        )
    column = columns[0]
    distinct = len(column.classes)
    if column.numeric and not column.binary:
        whole = bool((column.values == np.round(column.values)).all())
        few = distinct <= FEW and len(column.values) >= 10 * distinct
        if not (whole and few and column.type == "number"):
            return "regression"
        return task_of_classes(distinct)
    return task_of_classes(max(2, distinct))


def _classes(column: Column, task: str, positive: str | int | bool | None) -> Target:
    names, index, name = column.classes, column.index, column.name
    if len(names) < 2:
        raise UserError(
            f"The target '{name}' has only one class ('{names[0]}'): there is nothing to learn",
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
    if len(names) > max(FEW, len(index) // 2):
        raise UserError(
            f"The target '{name}' has {len(names)} different values in {len(index)} rows: too "
            "many for classes",
            code=Code.DATA,
            hint=column.meant or "Is it the right column, or does a number hold stray text?",
        )
    if positive is not None:
        names, index = _ordered(names, index, positive)
    elif len(names) == 2 and _has_no_yes(column) and (index == 0).mean() <= RARE:
        names, index = names[::-1], 1 - index  # the rare class is usually the one of interest
    counts = Counter(index.tolist())
    shares = ", ".join(f"{n} {counts[i] / len(index):.1%}" for i, n in enumerate(names[:6]))
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    which = f" '{names[1]}' is the positive class (another: data.positive=)."
    first = which if most else ""
    odd = [each for each in names if each.lower() in Rules().missing_words]
    alike = look_alikes(names)
    said = f" '{odd[0]}' is a class; data.missing=['{odd[0]}'] if it means no value." if odd else ""
    said += f" {alike}." if alike else ""
    summary = f"Target '{name}': {task}, {len(names)} classes: {shares}{more}.{first}{said}"
    return Target(torch.from_numpy(index), task, names, summary)


def _has_no_yes(column: Column) -> bool:
    """Return whether neither of two classes is clearly the positive one, as 1 and yes are."""
    return column.type == "category" or (column.type == "number" and not column.binary)


def _ordered(
    names: list[str], index: NDArray[np.int64], positive: str | int | bool
) -> tuple[list[str], NDArray[np.int64]]:
    """Make `positive` the second of two classes."""
    lower, wanted = [name.lower() for name in names], str(positive).lower()
    if len(names) != 2 or (wanted not in lower and not isinstance(positive, bool)):
        raise UserError(
            "must be one of two classes",
            code=Code.UNKNOWN_NAME if len(names) == 2 else Code.INCOMPATIBLE,
            key="data.positive",
            value=positive,
            allowed=names,
        )
    # An unquoted yes or no on the command line has become a bool.
    second = wanted == lower[1] if wanted in lower else (lower[1] in TRUE) == positive
    return (names, index) if second else (names[::-1], 1 - index)


def one_hot(values: NDArray[Any]) -> bool:
    """Return whether each row (N, K) has exactly one 1, and each column at least one."""
    if values.dtype.kind not in "biuf" or values.ndim != 2 or values.shape[1] < 2:
        return False
    hot = values == 1
    return bool(
        ((values == 0) | hot).all() and (hot.sum(axis=1) == 1).all() and hot.any(axis=0).all()
    )


def _one_hot(columns: list[Column]) -> Target | None:
    """Return the classes that several columns of zeros and ones encode, if they are one-hot."""
    values = np.stack([np.asarray(column.values) for column in columns], axis=1)
    if any(column.type == "category" for column in columns) or not one_hot(values):
        return None
    names = [column.name for column in columns]
    index = values.argmax(axis=1).astype(np.int64)
    task = task_of_classes(len(names))
    shares = ", ".join(f"{n} {(index == at).mean():.1%}" for at, n in enumerate(names[:6]))
    summary = (
        f"Target: {task}, one-hot in {len(names)} columns: {shares}. data.task=multilabel reads "
        "them as labels."
    )
    return Target(torch.from_numpy(index), task, names, summary)


def _several(columns: list[Column], task: str) -> Target:
    """Make the targets of a multilabel task or a regression."""
    values, labels = [], problem_of(task).yes_no
    for column in columns:
        if labels:
            if not column.binary:
                raise UserError(
                    f"Label '{column.name}' of the multilabel target is not a yes-no column",
                    code=Code.DATA,
                )
            words = column.type == "category"
            values.append(column.index.astype(np.float64) if words else column.values)
            continue
        if not column.numeric:
            raise UserError(
                f"needs numbers, but the target '{column.name}' is text (for example "
                f"'{column.classes[column.index[0]]}')",
                code=Code.INCOMPATIBLE,
                key="data.task",
                value=task,
                hint="Choose another column, or a classification task",
            )
        if len(column.classes) < 2:
            raise UserError(
                f"The target '{column.name}' is always {column.classes[0]}: there is nothing to "
                "learn",
                code=Code.DATA,
            )
        values.append(column.values)
    names = [column.name for column in columns]
    y = as_targets(np.stack(values, axis=1))
    listed = ", ".join(f"'{name}'" for name in names)
    if PROBLEMS[task].yes_no:
        positive = zip(names, y.mean(dim=0).tolist(), strict=True)
        shares = ", ".join(f"{name} {share:.1%}" for name, share in positive)
        return Target(y, task, names, f"Target: {task}, positive shares: {shares}.")
    low, high = float(y.min()), float(y.max())
    days = " days since 1970-01-01" if any(each.type == "date" for each in columns) else ""
    doubts = "".join(f" {column.meant}" for column in columns if column.meant)
    summary = f"Target {listed}: {task}, values from {low:.10g} to {high:.10g}{days}.{doubts}"
    if len(columns) == 1 and (better := less_skewed(columns[0].values)):
        summary += f" It is skewed; data.target_transform={better} may help."
    return Target(y, task, names, summary)


def as_targets(values: NDArray[np.float64]) -> Tensor:
    """Return values (N, K) as float32, or float64 if that would blur their differences."""
    exact = any(blurred(column) for column in values.T)
    return torch.from_numpy(values if exact else values.astype(np.float32))
