"""The validation samples that the model got most wrong, as a person reads them."""

from collections.abc import Iterator

import numpy as np

from quintet.artifacts.predictions_file import Examples, Predictions
from quintet.base.formatting import score
from quintet.report.html.blocks import Block, Gallery, Picture, Text
from quintet.report.html.table import Cell, Number, Table
from quintet.report.run.png import png
from quintet.report.run.run_data import RunData

WIDTH = 112
"""Of a picture, in CSS pixels."""
COLUMNS = 30
LAST = 8
"""Values of a window that stand in a table."""
WHY = (
    "Validation samples, the worst first: who mends a model by its mistakes on test data has no "
    "test data any more."
)


def mistakes(run: RunData) -> list[Block]:
    """Return the examples in the form that fits the data."""
    answers, examples = run.answers.get("val"), run.examples
    if answers is None or examples is None or not len(examples.index):
        return [Text("No examples were kept: python src/evaluate.py run=<this folder> keeps some.")]
    rows = np.searchsorted(answers.index, examples.index)
    said = [_said(run, answers, int(row)) for row in rows]
    shown = examples.shown
    if "image" in shown:
        return [Text(WHY), _gallery(examples, said)]
    if "cells" in shown:
        titles, cells = shown["columns"][:COLUMNS].tolist(), shown["cells"][:, :COLUMNS].tolist()
    elif "text" in shown:
        titles, cells = ["text"], [[text] for text in shown["text"].tolist()]
    else:
        window = shown["window"][:, -LAST:, 0]
        titles = [f"{LAST - i} before" for i in range(LAST)][-window.shape[1] :]
        cells = [[Number(float(v), f"{v:.4g}") for v in row] for row in window]
    own = [
        [int(i), *_judged(answers, int(row), run)]
        for i, row in zip(examples.index, rows, strict=True)
    ]
    table = Table(
        ["sample", "true", "predicted", _unit(answers), *titles],
        [[*a, *map(_cell, b)] for a, b in zip(own, cells, strict=True)],
    )
    return [Text(WHY), table]


def _cell(cell: Cell) -> Cell:
    """Return a number as a number, so that a column of them is sorted by size."""
    try:
        return Number(float(cell), cell) if isinstance(cell, str) else cell
    except ValueError:
        return cell


def _unit(answers: Predictions) -> str:
    return "error" if answers.task == "regression" else "p(true)"


def _judged(answers: Predictions, row: int, run: RunData) -> Iterator[Cell]:
    """Yield the true answer, the model's, and how far off it was."""
    names = run.names
    if answers.task == "regression":
        true, said = answers.target[row], answers.predicted[row]
        yield from (", ".join(score(float(v)) for v in part) for part in (true, said))
        error = float((said - true)[np.argmax(np.abs(said - true))])
        yield Number(abs(error), f"{error:+.4g}")
        return
    if answers.task == "multilabel":
        for part in (answers.target[row], answers.decided[row]):
            yield ", ".join(n for n, on in zip(names, part, strict=True) if on) or "none"
    else:
        yield names[int(answers.target[row])]
        yield names[int(answers.decided[row])]
    p = float(np.exp(-answers.wrongness()[row]))
    yield Number(p, f"{p:.3f}")


def _said(run: RunData, answers: Predictions, row: int) -> str:
    true, said, off = _judged(answers, row, run)
    number = off.text if isinstance(off, Number) else str(off)
    if answers.task == "regression":
        return f"{true}: {said} ({number})"
    if true == said:
        return f"{true}, unsure: p {number}"
    return f"{true} taken for {said}: p {number}"


def _gallery(examples: Examples, said: list[str]) -> Gallery:
    images = examples.shown["image"]
    return Gallery(
        [
            Picture(png(image), f"sample {i}: {text}", text, WIDTH)
            for image, text, i in zip(images, said, examples.index, strict=True)
        ]
    )
