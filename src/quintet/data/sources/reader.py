"""Reads new inputs in the same way as the training data, for predictions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.base.paths import expand_home
from quintet.data.named_inputs import rows_of
from quintet.data.parsing.rules import BY_NAME, Rules, Unreadable
from quintet.data.parsing.table_file import RawTable, read_table
from quintet.data.sources.arrays import new_array, new_rows
from quintet.data.sources.columns import (
    Spec,
    encode,
    format_of,
    number,
    settle_unreadable,
    unknown_categories,
)
from quintet.data.sources.frames import existing
from quintet.data.sources.images import new_images
from quintet.data.sources.pixels import header
from quintet.data.sources.series import new_windows
from quintet.data.sources.table_images import KIND, new_images_of
from quintet.data.sources.text import encode as encode_text

ARRAYS = {".npz", ".npy"}


@dataclass
class NewInput:
    """New inputs, not yet scaled."""

    x: Tensor
    """Inputs in the shapes of `Samples.x`."""
    names: list[str]
    """Name of each sample: row number (from 1) or file."""
    remarks: list[str] = field(default_factory=list)
    """Remarks on what was ignored, missing or unknown, one sentence each."""
    extents: list[tuple[int, int]] | None = None
    """Height and width of each image in its file; None if equal to those of `x`."""


LAYOUT = ("separator", "encoding", "skip_rows", "comment")


def read_new(
    path: str | Path, reader: dict[str, Any], given: Mapping[str, Any] | None = None
) -> NewInput:
    """Read a file or folder as described by `Samples.reader` of the training data.

    Tables: csv or parquet, columns found by name, others ignored. Sequences: a csv with the
    series' column; every window is a sample, and the last one forecasts the unknown next values.
    Texts: a csv with the text column, or a .txt file with one text per line. Images: a file, or a
    folder of any depth. Everything: npz (array x) or npy in the shape of training.

    Args:
        path: of the file or folder.
        reader: how the training data was read.
        given: options for this file, if they differ: separator, encoding, skip_rows, comment,
            decimal, thousands, date_format, missing or unreadable, as in
            `quintet.data.sources.tables.csv`.

    Raises:
        UserError: the file does not exist or does not fit the training data.

    """
    file = expand_home(path)
    kind = reader.get("kind", "nothing")
    if kind == "named":
        x, told = new_rows(file, reader)
        return NewInput(x, _rows(len(x)), told)
    if file.suffix.lower() in ARRAYS or kind == "array":
        return _read_array(file, reader)
    if kind == "image":
        x, files, remarks = new_images(file, reader)
        return NewInput(x, files, remarks, [header(each).extent for each in files])
    if kind == "tokens" and file.suffix.lower() == ".txt":
        lines = existing(file).read_text(encoding="utf-8-sig").splitlines()
        return _texts([line for line in lines if line.strip()], reader)
    if kind not in ("table", "sequence", "tokens", KIND):
        raise UserError(
            "The run has no record of how its data was read",
            code=Code.INCOMPATIBLE,
            hint="Give inputs as npz or npy",
        )
    given = {key: value for key, value in (given or {}).items() if value is not None}
    if kind == KIND:
        return _with_images(file, reader, given)
    specs = [_respelt(column, given) for column in reader["columns"]]
    table = _read_table(existing(file), specs, kind, reader, given)
    remarks = [*table.remarks, *_check_columns(table, [str(spec["name"]) for spec in specs], file)]
    if kind == "table":
        found = _table(table, specs, given.get("unreadable", reader.get("unreadable", "few")))
    elif kind == "sequence":
        rule = given.get("unreadable", reader.get("unreadable", "few"))
        found = NewInput(*new_windows(table, specs, reader, rule))
    else:
        cells = table[str(specs[0]["name"])].as_words()
        assert cells.codes is not None
        words = np.array([*cells.words, ""], dtype=object)
        found = _texts(words[cells.codes].tolist(), reader)
    found.remarks = remarks + found.remarks
    return found


def _with_images(file: Path, reader: dict[str, Any], given: Mapping[str, Any]) -> NewInput:
    """Read a table in which each row names one image or several."""
    own, pictured = reader["inputs"].get("table", {}), [*map(str, reader["columns"].values())]
    specs = [_respelt(each, given) for each in own.get("columns", ())]
    table = _read_table(
        existing(file),
        [*specs, *({"name": column, "type": "category"} for column in pictured)],
        "table",
        own,
        given,
    )
    wanted = [*(str(spec["name"]) for spec in specs), *pictured]
    remarks = _check_columns(table, wanted, file)
    images, told = new_images_of({name: table[name] for name in pictured}, file.parent, reader)
    names = [table[pictured[0]].at(row) for row in range(len(table))]
    if len(reader["inputs"]) == 1:
        return NewInput(images["image"], names, [*table.remarks, *remarks, *told])
    if not specs:
        return NewInput(rows_of(images), names, [*table.remarks, *remarks, *told])
    found = _table(table, specs, given.get("unreadable", own.get("unreadable", "few")))
    x = rows_of({**images, "table": found.x})
    return NewInput(x, names, [*table.remarks, *remarks, *told, *found.remarks])


def _respelt(column: Spec | str, given: Mapping[str, Any]) -> Spec:
    """Return a column's description with the formats of its cells in this file."""
    spec = number(column) if isinstance(column, str) else {**column, **format_of(column).to_dict()}
    own: dict[str, Any] = {}
    if given.get("missing") is not None:
        own["missing"] = sorted(Rules(missing=given["missing"]).missing_words)
    for key, kind in (("decimal", "number"), ("thousands", "number"), ("date_format", "date")):
        mark = given.get(key)
        mark = mark.get(spec["name"]) if isinstance(mark, Mapping) else mark
        if mark is not None and spec["type"] == kind:
            own["form" if key == "date_format" else key] = BY_NAME.get(str(mark), str(mark))
    if own.get("decimal", spec["decimal"]) == own.get("thousands", spec["thousands"]):
        own["thousands"] = ""  # a decimal mark of this file that was the thousands mark in training
    return spec | own


def _read_table(
    file: Path, specs: list[Spec], kind: str, reader: dict[str, Any], given: Mapping[str, Any]
) -> RawTable:
    """Read a file with known columns: numbers with the usual mark as values, others as words.

    What training inferred, such as the separator, is inferred again.
    """
    decimals = [spec["decimal"] for spec in specs if spec["type"] == "number"]
    usual = max(set(decimals), key=decimals.count) if decimals else "."
    words = {
        str(spec["name"])
        for spec in specs
        if kind == "tokens" or spec["type"] != "number" or spec["decimal"] != usual
    }
    old = {key: reader[key] for key in ("separator", "encoding") if reader.get(key)}
    typed = {**old, **reader.get("layout", {}), **{k: given[k] for k in LAYOUT if k in given}}
    missing = next((spec["missing"] for spec in specs if "missing" in spec), None)
    return read_table(file, text=words, decimal=usual, missing=missing, layout=typed)


def _check_columns(table: RawTable, wanted: list[str], file: Path) -> list[str]:
    """Check that the required columns exist; return a remark on those that are ignored."""
    there = list(table.columns)
    missing = [name for name in wanted if name not in there]
    if missing:
        more = f" (and {len(missing) - 1} more)" if missing[1:] else ""
        raise UserError(
            f"{file} has no column '{missing[0]}'{more}, which the model was trained on",
            code=Code.UNKNOWN_NAME,
            value=missing[0],
            allowed=there,
            hint="Rename or add it; it may be empty",
        )
    extra = [name for name in there if name not in wanted]
    return [f"Ignored columns the model does not use: {', '.join(extra)}."] if extra else []


def _table(table: RawTable, specs: list[Spec], rule: Unreadable) -> NewInput:
    remarks = []
    for spec in specs:
        cells, form = table[str(spec["name"])], format_of(spec)
        if form.type == "category":
            if unknown := unknown_categories(cells, spec):
                remarks.append(unknown)
            continue
        parsed = form.parse(cells)
        if told := settle_unreadable(cells, parsed.bad, form, rule):
            remarks.append(told)
        elif not (parsed.values == parsed.values).any():
            remarks.append(f"'{cells.name}' has no value in any row.")
    return NewInput(encode(table.columns, specs), _rows(len(table)), remarks)


def _texts(texts: list[str], reader: dict[str, Any]) -> NewInput:
    if not texts:
        raise UserError("The file contains no text", code=Code.DATA)
    x = encode_text(texts, reader["vocabulary"], int(reader["length"]))
    return NewInput(x, _rows(len(texts)))


def _read_array(path: Path, reader: dict[str, Any]) -> NewInput:
    x, remarks = new_array(path, reader)
    return NewInput(x, _rows(len(x)), remarks)


def _rows(count: int) -> list[str]:
    return [str(number) for number in range(1, count + 1)]
