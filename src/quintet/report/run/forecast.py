"""A forecast drawn over the series itself."""

from typing import Any

from numpy.typing import NDArray

from quintet.report.html.figure import Figure, Trace, axis
from quintet.report.run.run_data import SPLITS, RunData

COLORS = {"val": "$blue", "test": "$orange"}


def forecast(run: RunData) -> Figure:
    """Return the true series and the one-step-ahead forecast, by split."""
    traces: list[Trace] = []
    start = 0
    for split in ("val", "test"):
        if (found := run.answers.get(split)) is None or not len(found):
            continue
        x = (found.index + start).tolist()
        color = COLORS[split]
        true = _drawn(x, found.target[:, 0], "$ink", "the series", 1.4)
        forecasts = _drawn(x, found.predicted[:, 0], color, f"forecast, {SPLITS[split]}", 2.2)
        traces += [true | {"showlegend": start == 0}, forecasts]
        start += found.total
    name = run.names[0] if run.facts.get("class_names") else "value"
    layout = {
        "xaxis": axis("step after the training data"),
        "yaxis": axis(name),
        "legend": {"orientation": "h", "y": -0.2, "x": 0},
        "hovermode": "x unified",
    }
    steps = run.answers[str(run.latest)].target.shape[1]
    more = f" Of the {steps} steps ahead, the first is drawn." if steps > 1 else ""
    caption = (
        "Each point is forecast from the true values before it, not from earlier forecasts." + more
    )
    return Figure(f"{name}: the series and its forecast", traces, layout, caption, 400)


def _drawn(x: list[int], y: NDArray[Any], color: str, name: str, width: float) -> Trace:
    return {
        **{"type": "scatter", "mode": "lines", "x": x, "y": y.astype(float).tolist()},
        **{"name": name, "line": {"color": color, "width": width}},
    }
