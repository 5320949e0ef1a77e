"""Charts of predictions: confusion matrices for classes, errors for values."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from quintet.artifacts.predictions_file import Predictions
from quintet.report.html.blocks import Block
from quintet.report.html.figure import DIGITS, SCALE, Figure, Trace, axis

MOST_CLASSES = 40
"""A confusion matrix of more classes is not readable."""
MOST_POINTS = 2000
"""Samples drawn; larger sets are thinned evenly."""


def charts(answers: Predictions, names: Sequence[str], split: str) -> list[Block]:
    """Return the charts that fit the task.

    Args:
        answers: predictions of one split.
        names: names of the classes or targets, or their indices.
        split: how the samples are named in titles, such as "test".

    """
    shown = answers.problem.sections
    if "pairs" in shown:
        return [
            chart
            for k in range(min(3, answers.target.shape[1]))
            for chart in (against(answers, k, names, split), residuals(answers, k, names, split))
        ]
    if "confusion" not in shown:
        return []
    classes = answers.probabilities.shape[1]
    return [confusion(answers, names, split)] if classes <= MOST_CLASSES else []


def confusion(answers: Predictions, names: Sequence[str], split: str) -> Figure:
    """Return the confusion matrix as a heatmap."""
    count = answers.probabilities.shape[1]
    plain = list(names) or [str(i) for i in range(count)]
    matrix = np.zeros((count, count), dtype=int)
    np.add.at(matrix, (answers.target.astype(int), answers.decided.astype(int)), 1)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    wrong = [
        f"{plain[a]} predicted as {plain[b]} ({matrix[a, b]})"
        for a, b in _largest_off_diagonal(matrix)
    ]
    heat = {
        **{"type": "heatmap", "z": (100 * shares).round(2).tolist(), "colorscale": SCALE},
        **{"x": plain, "y": plain, "customdata": matrix.tolist(), "zmin": 0, "zmax": 100},
        **{"text": [[str(n) if n else "" for n in row] for row in matrix.tolist()]},
        **{"texttemplate": "%{text}" if count <= 20 else "", "xgap": 1, "ygap": 1},
        "hovertemplate": Markup(
            "true %{y}, predicted %{x}: %{customdata} samples, %{z:.1f} % of class<extra></extra>"
        ),
        "colorbar": {"title": {"text": "% of class", "side": "right"}, "thickness": 12},
    }
    kind = {"type": "category", "showgrid": False}
    layout = {
        "xaxis": axis("predicted class", **kind),
        "yaxis": axis("true class", autorange="reversed", **kind),
    }
    caption = "Rows: true classes; the diagonal: correct predictions. " + (
        f"Most frequent errors: {'; '.join(wrong)}."
        if wrong
        else "No class was confused with another."
    )
    return Figure(f"Confusion matrix, {split}", [heat], layout, caption, 440)


def _largest_off_diagonal(matrix: np.ndarray, most: int = 3) -> list[tuple[int, int]]:
    off = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-off, axis=None, kind="stable")[:most]
    pairs = [divmod(int(i), len(off)) for i in order]
    return [(a, b) for a, b in pairs if off[a, b]]


def against(answers: Predictions, k: int, names: Sequence[str], split: str) -> Figure:
    """Return predicted against true values of target k, with the identity line."""
    true, predicted = _thinned(answers, k)
    ends = [float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))]
    line = {"color": "$soft", "width": 1.2, "dash": "dot"}
    traces: list[Trace] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": ends,
            "y": ends,
            "line": line,
            "hoverinfo": "skip",
        },
        _dots(
            true,
            predicted,
            Markup(f"true %{{x:{DIGITS}}}, predicted %{{y:{DIGITS}}}<extra></extra>"),
        ),
    ]
    what = _named(names, k)
    layout = {
        "xaxis": axis(f"true {what}"),
        "yaxis": axis(f"predicted {what}"),
        "showlegend": False,
    }
    return Figure(
        f"Predicted against true, {split}", traces, layout, "Dotted: perfect predictions."
    )


def residuals(answers: Predictions, k: int, names: Sequence[str], split: str) -> Figure:
    """Return the errors of target k against the predictions; ideally they show no pattern."""
    true, predicted = _thinned(answers, k)
    hover = Markup(f"predicted %{{x:{DIGITS}}}, error %{{y:{DIGITS}}}<extra></extra>")
    zero = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0}
    layout = {
        "xaxis": axis(f"predicted {_named(names, k)}"),
        "yaxis": axis("predicted − true"),
        "shapes": [{**zero, "line": {"color": "$soft", "width": 1.2, "dash": "dot"}}],
    }
    caption = "A curve or a funnel is structure that the model has not learned."
    dots = _dots(predicted, predicted - true, hover)
    return Figure(f"Errors, {split}", [dots], layout, caption)


def _thinned(answers: Predictions, k: int) -> tuple[np.ndarray, np.ndarray]:
    step = -(-len(answers) // MOST_POINTS)
    return answers.target[::step, k], answers.predicted[::step, k]


def _dots(x: np.ndarray, y: np.ndarray, hover: str) -> Trace:
    marker = {"color": "$blue", "size": 5, "opacity": 0.6}
    values = {"x": x.astype(float).round(6).tolist(), "y": y.astype(float).round(6).tolist()}
    return {
        **{"type": "scatter", "mode": "markers", "marker": marker, "hovertemplate": hover},
        **values,
    }


def _named(names: Sequence[str], k: int) -> str:
    return names[k] if k < len(names) else f"target {k}" if k else "value"
