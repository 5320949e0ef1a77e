"""Tables with an official split: separate files for validation and test, or a column."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.parsing.column_cells import Cells
from quintet.data.parsing.table_file import RawTable
from quintet.data.sources.frames import existing, require
from quintet.data.sources.parts import NAMES, joined, parts_of


def read_parts(
    path: str | None,
    others: dict[str, str | None],
    read: Callable[[Path], RawTable],
    needed: list[str],
) -> tuple[RawTable, Tensor | None]:
    """Read the file of the training part and those of the other parts into one table.

    Columns are those of the training file; further columns of other files are left out and
    reported.

    Args:
        path: file of the training part, or of everything.
        others: files of the parts val and test, or None.
        read: reads a file.
        needed: columns that every file must have: the targets.

    Returns:
        All rows, part after part, and the part of each; None if there is only one file.

    Raises:
        UserError: a file lacks a column.

    """
    whole = read(existing(path))
    files = {part: file for part, file in others.items() if file is not None}
    if not files:
        return whole, None
    tables, sizes = [whole], [len(whole), 0, 0]
    remarks = [*whole.remarks]
    for part, file in files.items():
        table = read(existing(file))
        _check(table, whole, part, file, needed)
        extra = [name for name in table.columns if name not in whole.columns]
        told = f"{file}: {len(table)} rows for {part}"
        remarks += [f"{told}; left out {', '.join(extra)}." if extra else f"{told}."]
        remarks += table.remarks
        sizes[NAMES.index(part)] = len(table)
        tables.append(table)
    columns = {name: _together([table[name] for table in tables]) for name in whole.columns}
    return RawTable(columns, whole.separator, remarks), joined(sizes)


def rows_of_files(parts: Tensor | None, count: int) -> Tensor:
    """Return each row's number in its own file, from 1, (N,)."""
    numbers = torch.arange(1, count + 1)
    if parts is not None:
        for part in range(len(NAMES)):
            own = parts == part
            numbers[own] = torch.arange(1, int(own.sum()) + 1)
    return numbers


def split_of(table: RawTable, split: str | None, parts: Tensor | None) -> Tensor | None:
    """Return the part of each row, from its file or the column `split`.

    Raises:
        UserError: both are given, no such column, or a cell with an unknown part.

    """
    if split is None:
        return parts
    require([split], table.columns, "data.split")
    if parts is not None:
        raise UserError(
            "and files for parts (data.val_path, data.test_path) both define the split",
            code=Code.CONFLICT,
            key="data.split",
            value=split,
            hint="Leave one of them out",
        )
    cells = table[split].as_words()
    assert cells.codes is not None
    words = np.array([*cells.words, ""], dtype=object)
    return parts_of(words[cells.codes].tolist(), split)


def _check(table: RawTable, whole: RawTable, part: str, file: str, needed: list[str]) -> None:
    missing = [name for name in whole.columns if name not in table.columns]
    if not missing:
        return
    answers = [name for name in missing if name in needed]
    raise UserError(
        f"has no column '{(answers or missing)[0]}', which the training file has",
        code=Code.DATA,
        key=f"data.{part}_path",
        value=file,
        allowed=tuple(table.columns),
        hint="A part of a split needs targets; rows without them are for predict.py"
        if answers
        else "Add it; it may be empty",
    )


def _together(pieces: list[Cells]) -> Cells:
    """Return the concatenated cells of several files."""
    first = pieces[0]
    values = [cells.values for cells in pieces if cells.codes is None]
    alike = len({cells.decimal for cells in pieces}) == 1
    kinds = {each.dtype.kind for each in values if each is not None}
    if len(values) == len(pieces) and alike and len(kinds - {"i", "u", "f"}) <= (len(kinds) == 1):
        return Cells(first.name, values=np.concatenate(values), decimal=first.decimal)  # type: ignore[arg-type]
    worded = [cells.as_words() for cells in pieces]
    numbers: dict[str, int] = {}
    codes: list[NDArray[np.int32]] = []
    for cells in worded:
        assert cells.codes is not None
        moved = [numbers.setdefault(word, len(numbers)) for word in cells.words]
        codes.append(np.array([*moved, -1], dtype=np.int32)[cells.codes])
    return Cells(first.name, words=tuple(numbers), codes=np.concatenate(codes))
