"""Classification results: precision and recall of each class or label, ROC and PR curves."""

import numpy as np
from numpy.typing import NDArray

from quintet.analysis.measures import auc_roc, equal
from quintet.artifacts.predictions_file import Predictions
from quintet.report.html.blocks import Block
from quintet.report.html.figure import Figure, Trace, axis
from quintet.report.html.table import Cell, Number, Table
from quintet.report.run.run_data import SPLITS, RunData

STEPS = 200
"""Maximum number of points drawn of a curve."""


def matrix(answers: Predictions, count: int) -> NDArray[np.int64]:
    """Return the confusion matrix: true classes by rows, predicted ones by columns."""
    cells = answers.target.astype(np.int64) * count + answers.decided
    return np.bincount(cells, minlength=count * count).reshape(count, count)


def by_class(run: RunData) -> Table:
    """Return precision, recall and F1 of every class."""
    split = str(run.latest)
    counts = matrix(run.answers[split], len(run.names))
    rows = [
        [name, *_row(int(counts[i, i]), int(counts[:, i].sum()), int(counts[i].sum()))]
        for i, name in enumerate(run.names)
    ]
    titles = [f"class, {SPLITS[split]}", "precision", "recall", "F1", "samples"]
    return Table("Scores of each class", titles, rows)


def labels(run: RunData) -> Table:
    """Return precision, recall, F1 and AUC of every label."""
    found = run.answers[str(run.latest)]
    hits, predicted, positive = (
        part.sum(axis=0) for part in (found.decided * found.target, found.decided, found.target)
    )
    rows: list[list[Cell]] = []
    for i, name in enumerate(run.names):
        one = Predictions(
            "binary", found.index, found.target[:, i], found.predicted[:, i], len(found)
        )
        area = float(auc_roc(one, equal(len(found)))[0])
        shown = Number(area, f"{area:.3f}") if np.isfinite(area) else None
        rows.append([name, *_row(int(hits[i]), int(predicted[i]), int(positive[i])), shown])
    titles = ["label", "precision", "recall", "F1", "positive samples", "AUC"]
    return Table("Scores of each label", titles, rows)


def _row(hits: int, predicted: int, positive: int) -> list[Cell]:
    ratios = (
        hits / predicted if predicted else None,
        hits / positive if positive else None,
        2 * hits / (predicted + positive) if predicted + positive else None,
    )
    return [*(None if r is None else Number(r, f"{r:.3f}") for r in ratios), positive]


def ranking(run: RunData) -> list[Block]:
    """Return the ROC and the precision-recall curves of a binary task, for every split."""
    roc, pr = [], []
    colors = {"val": ("$blue", "dot"), "test": ("$orange", "solid")}
    for split, found in run.answers.items():
        order = np.argsort(-found.predicted, kind="stable")
        last = np.append(np.flatnonzero(np.diff(found.predicted[order])), len(found) - 1)
        hits = np.cumsum(found.target[order])[last]
        selected = last + 1
        color, dash = colors[split]
        style: Trace = {"type": "scatter", "mode": "lines", "name": SPLITS[split]}
        style |= {"line": {"color": color, "dash": dash, "width": 2.2}}
        positives, negatives = max(hits[-1], 1), max(selected[-1] - hits[-1], 1)
        roc.append(style | _points([0, *(selected - hits) / negatives], [0, *hits / positives]))
        pr.append(style | _points(hits / positives, hits / selected))
    random: Trace = {
        "type": "scatter",
        "mode": "lines",
        "name": "random guess",
        "hoverinfo": "skip",
    }
    random |= {"x": [0, 1], "y": [0, 1], "line": {"color": "$faint", "width": 1.2}}
    name = run.names[-1]
    under = {"legend": {"orientation": "h", "y": -0.25, "x": 0}}
    return [
        Figure(
            "ROC curve",
            [random, *roc],
            {**_axes(f"false positive rate ({name})", f"true positive rate ({name})"), **under},
        ),
        Figure(
            "Precision and recall",
            pr,
            {**_axes(f"recall ({name})", "precision"), **under},
        ),
    ]


def _points(x: object, y: object) -> Trace:
    """Return at most `STEPS` points of a curve."""
    across, up = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    kept = np.unique(np.linspace(0, len(across) - 1, min(STEPS, len(across))).round().astype(int))
    return {"x": across[kept].round(4).tolist(), "y": up[kept].round(4).tolist()}


def _axes(x: str, y: str) -> dict[str, object]:
    return {"xaxis": axis(x, range=[-0.02, 1.02]), "yaxis": axis(y, range=[-0.02, 1.02])}
