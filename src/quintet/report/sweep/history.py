"""Best so far: how the sweep got to where it is, and whether going on is worth it."""

from itertools import accumulate

from markupsafe import Markup

from quintet.base.formatting import listed
from quintet.report.html.blocks import Block, Columns, Text
from quintet.report.html.figure import Figure, Trace, axis
from quintet.report.sweep.sweep_data import SweepData

FEW = 5
"""Trials under which the course of a sweep says nothing."""


def progress(sweep: SweepData) -> list[Block]:
    """Return best so far against trials, epochs and CPU time, and a remark on the last gain."""
    trials = sweep.valued
    if not trials:
        return [Text("No trial has ended with a value yet.")]
    epochs, busy = (
        [float(t.notes.get(what, 0)) for t in trials] for what in ("epochs", "cpu_seconds")
    )
    charts = [
        _chart(sweep, what, unit, list(accumulate(cost)))
        for what, unit, cost in (
            ("trials", "trials", [1.0] * len(trials)),
            ("epochs", "epochs, all trials added up", epochs),
            ("CPU time", "CPU time, all trials added up (s)", busy),
        )
    ]
    return [Columns(charts), Text(_remark(sweep))]


def best_so_far(sweep: SweepData) -> list[float]:
    """Return the best P after each trial that ended, in that order."""
    choose = min if sweep.mode == "min" else max
    return list(accumulate((t.value for t in sweep.valued if t.value is not None), choose))


def _chart(sweep: SweepData, what: str, unit: str, spent: list[float]) -> Figure:
    texts = [f"trial {t.number}, {t.state}" for t in sweep.valued]
    hover = Markup("{} %{{y:.4f}}<br>%{{text}}<extra></extra>").format(sweep.metric)
    dots: Trace = {
        **{"type": "scatter", "mode": "markers", "name": "each trial", "text": texts},
        **{"x": spent, "y": [t.value for t in sweep.valued], "hovertemplate": hover},
        "marker": {
            "color": ["$blue" if t.state == "completed" else "$faint" for t in sweep.valued],
            "size": 6,
            "opacity": 0.75,
        },
    }
    line: Trace = {
        **{"type": "scatter", "mode": "lines", "name": "best so far", "x": spent},
        **{"y": best_so_far(sweep), "line": {"shape": "hv", "color": "$orange", "width": 2.5}},
        "hovertemplate": Markup("best so far %{y:.4f}<extra></extra>"),
    }
    layout = {
        "xaxis": axis(unit, rangemode="tozero"),
        "yaxis": axis(sweep.metric, **_focus(sweep)),
        "showlegend": False,
    }
    return Figure(f"Against {what}", [dots, line], layout, height=300)


def _focus(sweep: SweepData) -> dict[str, object]:
    """Return the range of what completed: far worse pruned trials would flatten all else."""
    values = [t.value for t in sweep.valued if t.state == "completed" and t.value is not None]
    if len(values) < 2 or min(values) == max(values):
        return {}
    room = 0.15 * (max(values) - min(values))
    return {"range": [min(values) - room, max(values) + room]}


def _remark(sweep: SweepData) -> str:
    best, trials = best_so_far(sweep), sweep.valued
    last = best.index(best[-1])
    since = len(best) - 1 - last
    after = sum(int(t.notes.get("epochs", 0)) for t in trials[last + 1 :])
    text = (
        "Orange: the best so far. Blue: completed trials; grey: pruned ones, of which those far "
        "behind lie outside the picture. "
    )
    if len(trials) < FEW:
        return text + "So few trials say nothing about whether more would pay."
    if since == 0:
        return f"{text}The last trial to end is the best one: the search has not settled."
    return (
        text
        + f"The best came with the {_nth(last + 1)} trial to end; "
        + listed([f"{since} trials", f"{after} epochs"])
        + " since then found nothing better."
    )


def _nth(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"
