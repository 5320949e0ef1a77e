"""The validation samples with the largest errors, in readable form."""

from collections.abc import Iterator

import numpy as np

from quintet.artifacts.predictions_file import Examples, Predictions
from quintet.base.formatting import score
from quintet.report.html.blocks import Block, Gallery, Picture, Text
from quintet.report.html.table import Cell, Number, Table
from quintet.report.run.png import png
from quintet.report.run.run_data import RunData

WIDTH = 112
"""Width of a picture in CSS pixels."""
COLUMNS = 30
LAST = 8
"""Values of a window shown in a table."""
WHY = "Validation samples, the worst first: a model tuned on its test errors has no test data left."


def largest_errors(run: RunData) -> list[Block]:
    """Return the examples in a form that fits the data."""
    if not run.by_sample:
        return [Text("Errors of single samples are not known: the module is no supervised one.")]
    answers, examples = run.answers.get("val"), run.examples
    if answers is None or examples is None or not len(examples.index):
        return [
            Text("No examples were saved: python src/evaluate.py run=<this folder> saves some.")
        ]
    rows = np.searchsorted(answers.index, examples.index)
    captions = [_caption(run, answers, int(row)) for row in rows]
    shown = examples.shown
    if "image" in shown:
        return [Text(WHY), _gallery(examples, captions)]
    if "cells" in shown:
        titles, cells = shown["columns"][:COLUMNS].tolist(), shown["cells"][:, :COLUMNS].tolist()
    elif "text" in shown:
        titles, cells = ["text"], [[text] for text in shown["text"].tolist()]
    else:
        window = shown["window"][:, -LAST:, 0]
        titles = [f"{LAST - i} before" for i in range(LAST)][-window.shape[1] :]
        cells = [[Number(float(v), f"{v:.4g}") for v in row] for row in window]
    own = [
        [int(i), *_comparison(answers, int(row), run)]
        for i, row in zip(examples.index, rows, strict=True)
    ]
    table = Table(
        ["sample", "true", "predicted", _unit(answers), *titles],
        [[*a, *map(_cell, b)] for a, b in zip(own, cells, strict=True)],
    )
    return [Text(WHY), table]


def _cell(cell: Cell) -> Cell:
    """Convert a numeric string to a number, so that its column is sorted by value."""
    try:
        return Number(float(cell), cell) if isinstance(cell, str) else cell
    except ValueError:
        return cell


def _unit(answers: Predictions) -> str:
    return "error" if answers.task == "regression" else "p(true)"


def _comparison(answers: Predictions, row: int, run: RunData) -> Iterator[Cell]:
    """Yield the target, the prediction, and the size of the error."""
    names = run.names
    if answers.task == "regression":
        true, predicted = answers.target[row], answers.predicted[row]
        yield from (", ".join(score(float(v)) for v in part) for part in (true, predicted))
        error = float((predicted - true)[np.argmax(np.abs(predicted - true))])
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


def _caption(run: RunData, answers: Predictions, row: int) -> str:
    true, predicted, error = _comparison(answers, row, run)
    number = error.text if isinstance(error, Number) else str(error)
    if answers.task == "regression":
        return f"{true}: {predicted} ({number})"
    if true == predicted:
        return f"{true}, uncertain: p {number}"
    return f"{true} predicted as {predicted}: p {number}"


def _gallery(examples: Examples, captions: list[str]) -> Gallery:
    images = examples.shown["image"]
    return Gallery(
        [
            Picture(png(image), f"sample {i}: {text}", text, WIDTH)
            for image, text, i in zip(images, captions, examples.index, strict=True)
        ]
    )
