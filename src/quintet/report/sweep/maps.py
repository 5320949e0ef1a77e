"""A map of the metric over the two most important ordered hyperparameters."""

from collections.abc import Sequence

from markupsafe import Markup

from quintet.base.formatting import score
from quintet.report.html.figure import SCALE, Figure, Trace, axis
from quintet.report.sweep.scales import place, ticks
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.space import Parameter
from quintet.study.trial import Trial

SIDE = 33
"""Points of the grid on each side."""
WIDTH = 0.12
"""Width of the smoothing kernel, as a share of each range."""
REACH = 2 * WIDTH
"""Distance from the nearest trial up to which there is a colour."""
FEWEST = 8
"""Minimum number of completed trials for a map."""


def contour(sweep: SweepData, parameters: Sequence[Parameter]) -> Figure | None:
    """Return the map; None with too few trials, or without two ordered parameters."""
    ordered = [p for p in parameters if p.ordered][:2]
    if len(ordered) < 2:
        return None
    a, b = ordered
    trials = [
        t for t in sweep.valued if place(a, t.params) is not None and place(b, t.params) is not None
    ]
    layout = {
        "xaxis": axis(a.key, **{**ticks(a), "range": [0, 1]}),
        "yaxis": axis(b.key, **{**ticks(b), "range": [0, 1]}),
        "showlegend": False,
    }
    whole = [t for t in trials if t.state == "completed"]
    if len(whole) < FEWEST:
        return None
    caption = (
        "Colour: kernel average over nearby trials that were trained to the end "
        f"(a Gaussian of {WIDTH:.0%} of each range), blank elsewhere. Dots: the trials, "
        "pruned ones hollow; the diamond is the winner."
    )
    traces = [_surface(sweep, a, b, whole), _trials(sweep, a, b, trials)]
    return Figure(f"{sweep.metric} over {a.key} and {b.key}", traces, layout, caption, 440)


def _surface(sweep: SweepData, a: Parameter, b: Parameter, trials: Sequence[Trial]) -> Trace:
    """Smooth the metric over a grid (Nadaraya 1964; Watson 1964)."""
    import numpy as np

    grid = np.linspace(0, 1, SIDE)
    at = np.array([[place(a, t.params), place(b, t.params)] for t in trials], dtype=float)
    value = np.array([t.value for t in trials], dtype=float)
    x, y = np.meshgrid(grid, grid)
    distance = (x[..., None] - at[:, 0]) ** 2 + (y[..., None] - at[:, 1]) ** 2
    weight = np.exp(-distance / (2 * WIDTH**2)) + 1e-12
    smooth = ((weight * value).sum(-1) / weight.sum(-1)).round(5)
    z = np.ma.array(smooth, mask=distance.min(-1) > REACH**2).tolist()
    return {
        **{"type": "contour", "x": grid.tolist(), "y": grid.tolist()},
        **{"z": z, "colorscale": SCALE, "hoverinfo": "skip"},
        **{"reversescale": sweep.mode == "min", "contours": {"coloring": "heatmap"}},
        "line": {"width": 0.5, "color": "rgba(255,255,255,.35)"},
        "colorbar": {
            "title": {"text": sweep.metric, "side": "right"},
            **{"thickness": 12, "outlinewidth": 0, "tickfont": {"color": "$soft"}},
        },
    }


def _trials(sweep: SweepData, a: Parameter, b: Parameter, trials: Sequence[Trial]) -> Trace:
    won = [sweep.winner is not None and t.number == sweep.winner.number for t in trials]
    return {
        **{"type": "scatter", "mode": "markers"},
        "x": [place(a, t.params) for t in trials],
        "y": [place(b, t.params) for t in trials],
        "text": [f"trial {t.number}, {t.state}: {score(t.value)}" for t in trials],
        "hovertemplate": Markup("%{text}<extra></extra>"),
        "marker": {
            "color": ["#e69f00" if w else "rgba(255,255,255,.9)" for w in won],
            "symbol": [_symbol(t, w) for t, w in zip(trials, won, strict=True)],
            "size": [_size(t, w) for t, w in zip(trials, won, strict=True)],
            "line": {"color": "#1d232b", "width": 1},
        },
    }


def _size(trial: Trial, won: bool) -> int:
    return 14 if won else 7 if trial.state == "completed" else 4


def _symbol(trial: Trial, won: bool) -> str:
    return "diamond" if won else "circle" if trial.state == "completed" else "circle-open"
