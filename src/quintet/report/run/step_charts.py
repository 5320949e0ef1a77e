"""The values logged every few steps: as measured, and smoothed."""

from markupsafe import Markup

from quintet.diagnostics.training_curves import Row
from quintet.report.html.blocks import Block
from quintet.report.html.figure import DIGITS, Figure, Trace, axis, log_axis

TITLES = {"loss": "Loss of a batch, by step", "gradient_norm": "Norm of the gradient, by step"}
POINTS = 1000
"""Maximum number of points of a curve; in longer ones, each is the mean of its neighbours."""
WINDOW = 50
"""The smoothed curve forgets a point after about a fiftieth of the run."""
CAPTION = "Dotted: as measured. Line: an exponential moving average over a fiftieth of the run."


def steps_charts(rows: list[Row]) -> list[Block]:
    """Return the curves of the columns that were logged, on logarithmic axes if possible."""
    known = [name for name in TITLES if any(name in row for row in rows)]
    return [_chart(name, [row for row in rows if name in row]) for name in known]


def _chart(name: str, rows: list[Row]) -> Figure:
    x, y = ([row[key] for row in rows] for key in ("step", name))
    title = name.replace("_", " ")
    traces: list[Trace] = [
        _line(*means(x, y), "measured", {"color": "$sky", "width": 1, "dash": "dot"}),
        _line(*means(x, smoothed(y)), "smoothed", {"color": "$blue", "width": 2.2}),
    ]
    layout = {
        "xaxis": axis("step"),
        "yaxis": log_axis(title, y) if min(y) > 0 else axis(title),
        "legend": {"orientation": "h", "y": -0.25, "x": 0},
    }
    return Figure(TITLES[name], traces, layout, CAPTION, height=340)


def smoothed(values: list[float]) -> list[float]:
    """Return the exponential moving average, corrected for its start (Kingma and Ba 2015)."""
    keep = 1 - 1 / max(1, len(values) / WINDOW)
    mean, found = 0.0, []
    for i, value in enumerate(values, 1):
        mean = keep * mean + (1 - keep) * value
        found.append(mean / (1 - keep**i))
    return found


def means(x: list[float], y: list[float]) -> tuple[list[float], list[float]]:
    """Return at most `POINTS` points, each the mean of as many neighbours."""
    size = -(-len(x) // POINTS)
    parts = [slice(i, i + size) for i in range(0, len(x), size)]
    return tuple([sum(v[p]) / len(v[p]) for p in parts] for v in (x, y))  # type: ignore[return-value]


def _line(x: list[float], y: list[float], name: str, line: Trace) -> Trace:
    shown = Markup(f"step %{{x:,.0f}}: %{{y:{DIGITS}}}<extra></extra>")
    return {
        **{"type": "scatter", "mode": "lines", "x": x, "y": y, "name": name, "line": line},
        "hovertemplate": shown,
    }
