"""The validation samples with the largest errors, in readable form."""

import re

import numpy as np
from numpy.typing import NDArray

from quintet.artifacts.predictions_file import Examples, Predictions
from quintet.base.formatting import number
from quintet.problems.problem import Comparison
from quintet.report.html.blocks import Block, Gallery, Picture, Text
from quintet.report.html.table import Cell, Number, Table
from quintet.report.run import mask_charts
from quintet.report.run.png import png
from quintet.report.run.run_commands import not_saved
from quintet.report.run.run_data import RunData

WIDTH = 112
"""Width of a picture in CSS pixels."""
COLUMNS = 30
LAST = 8
"""Values of a window shown in a table."""
GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+")
"""A number as `number` writes a large one."""
WHY = "Validation samples, the worst first: a model tuned on its test errors has no test data left."


def largest_errors(run: RunData) -> list[Block]:
    """Return the examples in a form that fits the data; [] if samples have no error."""
    answers, examples = run.answers.get("val"), run.examples
    if not run.by_sample or not run.answers:
        return []
    if answers is None or examples is None or not len(examples.index):
        return not_saved(run, "The samples with the largest errors")
    rows = np.searchsorted(answers.index, examples.index)
    compared = [_compared(run, answers, int(row)) for row in rows]
    captions = [answers.problem.caption(found) for found in compared]
    shown = examples.shown
    if "image" in shown:
        images = list(examples.shown["image"])
        if answers.problem.dense:
            images = [
                mask_charts.beside(image, answers.target[row], answers.predicted[row])
                for image, row in zip(images, rows, strict=True)
            ]
            return [
                Text(f"{WHY} {mask_charts.LEGEND}"),
                _gallery(images, examples, captions, 3 * WIDTH),
            ]
        return [Text(WHY), _gallery(images, examples, captions, WIDTH)]
    if "cells" in shown:
        titles, cells = shown["columns"][:COLUMNS].tolist(), shown["cells"][:, :COLUMNS].tolist()
    elif "text" in shown:
        titles, cells = ["text"], [[text] for text in shown["text"].tolist()]
    else:
        window = shown["window"][:, -LAST:, 0]
        titles = [f"{LAST - i} before" for i in range(LAST)][-window.shape[1] :]
        cells = [[Number(float(v), number(float(v))) for v in row] for row in window]
    own = [[int(i), *_comparison(found)] for i, found in zip(examples.index, compared, strict=True)]
    table = Table(
        "Validation samples with the largest errors",
        ["sample", "true", "predicted", answers.problem.unit, *titles],
        [[*a, *map(_cell, b)] for a, b in zip(own, cells, strict=True)],
    )
    return [Text(WHY), table]


def _cell(cell: Cell) -> Cell:
    """Convert a numeric string to a number, so that its column is sorted by value, and aligned."""
    if not isinstance(cell, str):
        return cell
    try:
        return Number(float(cell.replace(",", "") if GROUPED.fullmatch(cell) else cell), cell)
    except ValueError:
        return cell


def _compared(run: RunData, answers: Predictions, row: int) -> Comparison:
    return answers.problem.compare(answers.target[row], answers.predicted[row], run.names)


def _comparison(found: Comparison) -> list[Cell]:
    """Return the target, the prediction, and the size of the error."""
    return [_cell(found.true), _cell(found.predicted), Number(found.number, found.text)]


def _gallery(
    images: list[NDArray[np.uint8]], examples: Examples, captions: list[str], width: int
) -> Gallery:
    return Gallery(
        [
            Picture(png(image), f"sample {i}: {text}", text, width)
            for image, text, i in zip(images, captions, examples.index, strict=True)
        ]
    )
