"""What a model answered, in charts: confusions of classes, errors of values."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from quintet.artifacts.predictions_file import Predictions
from quintet.report.html.blocks import Block
from quintet.report.html.figure import SCALE, Figure, Trace, axis

MOST_CLASSES = 40
"""More classes than these make no readable matrix."""
MOST_POINTS = 2000
"""Samples drawn; more are thinned out evenly."""


def charts(answers: Predictions, names: Sequence[str], split: str) -> list[Block]:
    """Return the charts that suit the task.

    Args:
        answers: of one split.
        names: of the classes or targets; their numbers where there are none.
        split: what the samples are called, such as "test".

    """
    if answers.task == "regression":
        return [
            chart
            for k in range(min(3, answers.target.shape[1]))
            for chart in (against(answers, k, names, split), residuals(answers, k, names, split))
        ]
    if answers.task == "multilabel":
        return []
    classes = answers.probabilities.shape[1]
    return [confusion(answers, names, split)] if classes <= MOST_CLASSES else []


def confusion(answers: Predictions, names: Sequence[str], split: str) -> Figure:
    """Return how many samples of each class were taken for which."""
    count = answers.probabilities.shape[1]
    plain = list(names) or [str(i) for i in range(count)]
    matrix = np.zeros((count, count), dtype=int)
    np.add.at(matrix, (answers.target.astype(int), answers.decided.astype(int)), 1)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    wrong = [
        f"{plain[a]} taken for {plain[b]} ({matrix[a, b]})"
        for a, b in _largest_off_diagonal(matrix)
    ]
    heat = {
        **{"type": "heatmap", "z": (100 * shares).round(2).tolist(), "colorscale": SCALE},
        **{"x": plain, "y": plain, "customdata": matrix.tolist(), "zmin": 0, "zmax": 100},
        **{"text": [[str(n) if n else "" for n in row] for row in matrix.tolist()]},
        **{"texttemplate": "%{text}" if count <= 20 else "", "xgap": 1, "ygap": 1},
        "hovertemplate": Markup(
            "true %{y}, decided %{x}: %{customdata} samples, %{z:.1f} % of the class<extra></extra>"
        ),
        "colorbar": {"title": {"text": "% of class", "side": "right"}, "thickness": 12},
    }
    kind = {"type": "category", "showgrid": False}
    layout = {
        "xaxis": axis("decided class", **kind),
        "yaxis": axis("true class", autorange="reversed", **kind),
    }
    caption = "Rows: true classes; the diagonal is right. " + (
        f"Most often wrong: {'; '.join(wrong)}." if wrong else "Nothing was confused."
    )
    return Figure(f"Confusions, {split}", [heat], layout, caption, 440)


def _largest_off_diagonal(matrix: np.ndarray, most: int = 3) -> list[tuple[int, int]]:
    off = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-off, axis=None, kind="stable")[:most]
    pairs = [divmod(int(i), len(off)) for i in order]
    return [(a, b) for a, b in pairs if off[a, b]]


def against(answers: Predictions, k: int, names: Sequence[str], split: str) -> Figure:
    """Return predicted against true values of target k, beside the line on which they agree."""
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
        _dots(true, predicted, Markup("true %{x:.4g}, predicted %{y:.4g}<extra></extra>")),
    ]
    what = _named(names, k)
    layout = {
        "xaxis": axis(f"true {what}"),
        "yaxis": axis(f"predicted {what}"),
        "showlegend": False,
    }
    return Figure(f"Predicted against true, {split}", traces, layout, "On the dotted line: right.")


def residuals(answers: Predictions, k: int, names: Sequence[str], split: str) -> Figure:
    """Return the errors of target k against what was predicted; without a pattern all is well."""
    true, predicted = _thinned(answers, k)
    hover = Markup("predicted %{x:.4g}, error %{y:.4g}<extra></extra>")
    zero = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0}
    layout = {
        "xaxis": axis(f"predicted {_named(names, k)}"),
        "yaxis": axis("predicted − true"),
        "shapes": [{**zero, "line": {"color": "$soft", "width": 1.2, "dash": "dot"}}],
    }
    caption = "A bend or a funnel is something that the model could still learn."
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
