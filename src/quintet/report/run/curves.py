"""Loss, metric and learning rate by epoch."""

import math

from markupsafe import Markup

from quintet.artifacts.steering_files import said
from quintet.diagnostics.training_curves import Row
from quintet.report.html.blocks import Block, Columns, Text
from quintet.report.html.figure import DIGITS, Figure, Trace, axis, counting, log_axis, scale
from quintet.report.run.run_data import RunData
from quintet.report.run.step_charts import steps_charts

POINTS = 400
"""Maximum number of epochs drawn; longer runs are thinned evenly."""
WIDE = 30
"""Ratio of the largest to the smallest loss above which the axis is logarithmic."""


def metric_curve(run: RunData) -> list[Block]:
    """Return the curve of the metric, for the first screen; [] before there are two epochs."""
    if not _is_on_first_screen(run):
        return []
    rows = thinned(run.rows, run.best_epoch)
    return [_chart(run, rows, run.metric, f"{run.metric} by epoch", height=250)]


def _is_on_first_screen(run: RunData) -> bool:
    return sum(f"val/{run.metric}" in row for row in run.rows) >= 2


def curves(run: RunData) -> list[Block]:
    """Return the curves that are not on the first screen, where their diagnosis is too."""
    if not run.rows:
        return [Text("No epoch was completed.")]
    rows = thinned(run.rows, run.best_epoch)
    loss = f"Loss ({chosen})" if (chosen := run.record.choices.get("loss")) else "Loss"
    below = bool(_values(rows, run.metric)) and not _is_on_first_screen(run)
    charts: list[Block] = [
        *([_chart(run, rows, "loss", loss)] if _values(rows, "loss") else []),
        *([_chart(run, rows, run.metric, run.metric)] if below else []),
        *(_chart(run, rows, name, name) for name in _others(run, rows)),
    ]
    steps = steps_charts(run.steps)
    by_step = [Columns(steps)] if steps else []
    return [Columns(charts), *by_step, _rate(run, rows)]


def _others(run: RunData, rows: list[Row]) -> list[str]:
    """Return the other values that the module logs in training or validation."""
    logged = (key.partition("/") for row in rows for key in row)
    names = {name for split, _, name in logged if split in ("train", "val")}
    return sorted(names - {"loss", run.metric})


def thinned(rows: list[Row], best: int | None) -> list[Row]:
    """Return about `POINTS` rows, including the last and the best epoch's."""
    step = -(-len(rows) // POINTS)
    kept = {*range(0, len(rows), step), len(rows) - 1}
    return [
        row for i, row in enumerate(rows) if i in kept or (best and int(row["epoch"]) + 1 == best)
    ]


def _line(rows: list[Row], key: str, name: str, color: str, dash: str = "solid") -> Trace:
    known = [row for row in rows if key in row]
    return {
        **{"type": "scatter", "mode": "lines" if len(known) > 1 else "markers"},
        **{"x": [int(row["epoch"]) + 1 for row in known], "y": [row[key] for row in known]},
        **{"name": name, "line": {"color": color, "width": 2.2, "dash": dash}},
        "hovertemplate": Markup("epoch %{{x}}: %{{y:{}}}<extra>{}</extra>").format(DIGITS, name),
    }


def _values(rows: list[Row], key: str) -> list[float]:
    found = (row.get(f"{split}/{key}", math.nan) for row in rows for split in ("train", "val"))
    return [value for value in found if math.isfinite(value)]


def _axis(rows: list[Row], key: str) -> Trace:
    """Return the axis of what was logged: a logarithmic one of a loss that falls far."""
    values = _values(rows, key)
    if key == "loss" and min(values) > 0 and max(values) > WIDE * min(values):
        return log_axis(key, values)
    return axis(key, **scale(values))


def _chart(run: RunData, rows: list[Row], key: str, title: str, height: int = 340) -> Figure:
    traces = [
        _line(rows, f"train/{key}", "training", "$blue", "dot"),
        _line(rows, f"val/{key}", "validation", "$orange"),
    ]
    best = [row for row in rows if int(row["epoch"]) + 1 == run.best_epoch]
    if best and f"val/{key}" in best[0]:
        mark = _line(best, f"val/{key}", f"best, epoch {run.best_epoch}", "$ink")
        style = {"symbol": "circle-open", "size": 11, "color": "$ink", "line": {"width": 2}}
        traces.append({**mark, "mode": "markers", "marker": style})
    layout = {
        "xaxis": axis("epoch", **counting(len(rows))),
        "yaxis": _axis(rows, key),
        "showlegend": True,
        "legend": {"orientation": "h", "y": -0.25, "x": 0},
        "shapes": marks(run),
    }
    return Figure(title, [t for t in traces if t["x"]], layout, height=height)


def _steered(run: RunData) -> list[Trace]:
    return [change for change in run.record.steering if not change["refused"]]


def marks(run: RunData) -> list[Trace]:
    """Return a dotted line at each epoch in which the run was steered."""
    return [
        {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1}
        | {"line": {"dash": "dot", "width": 1}}
        for at in dict.fromkeys(change["epoch"] + 1 for change in _steered(run))
    ]


def _rate(run: RunData, rows: list[Row]) -> Figure:
    name = f"schedule: {run.record.choices.get('scheduler') or 'unknown'}"
    layout: Trace = {"xaxis": axis("epoch", **counting(len(rows))), "showlegend": False}
    highest = max((row["lr"] for row in rows if "lr" in row), default=0.0)
    layout["yaxis"] = axis("learning rate", range=[0, 1.1 * highest or 1])
    caption = "The learning rate at the start of each epoch."
    if steered := _steered(run):
        changes = (said(c) or f"{c['key']}={c['after']} in epoch {c['epoch'] + 1}" for c in steered)
        caption += f" Dotted: {', '.join(changes)}."
    layout["shapes"] = marks(run)
    return Figure(
        f"Learning rate, {name}", [_line(rows, "lr", name, "$green")], layout, caption, 240
    )
