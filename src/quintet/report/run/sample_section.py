"""Predictions of a module without targets: texts and numbers as a table, pictures as images."""

from typing import Any

from numpy.typing import NDArray

from quintet.artifacts.samples_file import as_bytes, pictured, read
from quintet.base.formatting import number
from quintet.report.html.blocks import Block, Gallery, Picture, Text
from quintet.report.html.table import Cell, Number, Table
from quintet.report.run.png import png
from quintet.report.run.run_commands import not_saved
from quintet.report.run.run_data import RunData

WIDTH = 112
"""Width of a picture in CSS pixels."""
UNKNOWN = "The module's predict_step returns no text, numbers or pictures to show here."
LONGEST = 2_000
"""Maximum number of characters of a text."""


def samples(run: RunData) -> list[Block]:
    """Return the samples that the run has saved; [] for a supervised module without any."""
    found = read(run.folder)
    if not found and run.by_sample:
        return []
    if not found:  # a trial has no test scores, and saves none
        tested = run.record.test
        return [Text(UNKNOWN)] if tested else not_saved(run, "What the module predicts")
    shown: list[Block] = [Text("What the module's predict_step returns for the first inputs.")]
    columns: dict[str, list[Cell]] = {}
    for name, values in found.items():
        if pictured(values):
            shown.append(_gallery(name, values))
        else:
            columns |= _columns(name, values)
    if columns:
        rows = [[i, *cells] for i, cells in enumerate(zip(*columns.values(), strict=True))]
        shown.insert(1, Table("What the module predicts", ["sample", *columns], rows))
    return shown


def _gallery(name: str, values: NDArray[Any]) -> Gallery:
    return Gallery(
        [
            Picture(png(image), f"{name} of sample {i}", f"{name} {i}", WIDTH)
            for i, image in enumerate(as_bytes(values))
        ]
    )


def _columns(name: str, values: NDArray[Any]) -> dict[str, list[Cell]]:
    if values.ndim == 2:
        return {f"{name} {i}": [_cell(v) for v in column] for i, column in enumerate(values.T)}
    return {name: [_cell(value) for value in values]}


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        return value[:LONGEST]
    return Number(float(value), number(float(value)))
