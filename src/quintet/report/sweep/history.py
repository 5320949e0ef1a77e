"""Optimization history: the best value so far, and whether more trials may pay off."""

import math
from dataclasses import replace
from itertools import accumulate

from markupsafe import Markup

from quintet.base.formatting import listed, plural
from quintet.report.html.blocks import Block, Columns, Text
from quintet.report.html.figure import DIGITS, Figure, Trace, axis, counting, scale
from quintet.report.sweep.sweep_data import SweepData

LEGEND = "Orange: the best so far, and the winner. Blue: completed trials; grey: pruned trials."
INFEASIBLE = " Trials that violate a constraint are also grey."
FEW = 5
"""Minimum number of trials for a remark on the course of a sweep."""


def history(sweep: SweepData) -> list[Block]:
    """Return the best value against trials, for the first screen; [] for a single trial."""
    if len(sweep.valued) < 2:
        return []
    spent = [float(n) for n in range(1, len(sweep.valued) + 1)]
    chart = _chart(sweep, "Trials in the order in which they ended", "trials", spent, 230)
    return [replace(chart, caption=_legend(sweep) + _outside(sweep))]


def progress(sweep: SweepData) -> list[Block]:
    """Return the best value against epochs and CPU time, with a remark."""
    trials = sweep.valued
    if not trials:
        return [Text("No trial has ended with a value yet.")]
    epochs, busy = (
        [float(t.notes.get(what, 0)) for t in trials] for what in ("epochs", "cpu_seconds")
    )
    charts = [
        _chart(sweep, f"Against {what}", unit, list(accumulate(cost)))
        for what, unit, cost in (
            ("epochs", "epochs, sum over trials", epochs),
            ("CPU time", "CPU time, sum over trials (s)", busy),
        )
    ]
    return [Columns(charts), Text(_remark(sweep))]


def best_so_far(sweep: SweepData) -> list[float | None]:
    """Return the best value after each finished trial; None before the first feasible one."""

    def choose(best: float | None, value: float | None) -> float | None:
        if best is None or value is None:
            return best if value is None else value
        return value if sweep.better(value, best) else best

    return list(accumulate((t.value if t.feasible else None for t in sweep.valued), choose))


def _chart(
    sweep: SweepData, title: str, unit: str, spent: list[float], height: int = 300
) -> Figure:
    counted = all(map(float.is_integer, spent))
    texts = [
        f"trial {t.number}, {t.state}{'' if t.feasible else ', infeasible'}" for t in sweep.valued
    ]
    hover = Markup("{} %{{y:{}}}<br>%{{text}}<extra></extra>").format(sweep.metric, DIGITS)
    dots: Trace = {
        **{"type": "scatter", "mode": "markers", "name": "each trial", "text": texts},
        **{"x": spent, "y": [t.value for t in sweep.valued], "hovertemplate": hover},
        "marker": {
            "color": [
                "$blue" if t.state == "completed" and t.feasible else "$faint" for t in sweep.valued
            ],
            "size": 6,
            "opacity": 0.75,
        },
    }
    line: Trace = {
        **{"type": "scatter", "mode": "lines", "name": "best so far", "x": spent},
        **{"y": best_so_far(sweep), "line": {"shape": "hv", "color": "$orange", "width": 2.5}},
        "hovertemplate": Markup(f"best so far %{{y:{DIGITS}}}<extra></extra>"),
    }
    layout = {
        "xaxis": axis(unit, rangemode="tozero", **(counting(max(spent)) if counted else {})),
        "yaxis": axis(sweep.metric, **_range(_focus(sweep))),
        "showlegend": False,
    }
    return Figure(title, [dots, line, *_winner(sweep, spent)], layout, height=height)


def _winner(sweep: SweepData, spent: list[float]) -> list[Trace]:
    """Return a diamond at the winner."""
    won = sweep.winner
    at = [i for i, t in enumerate(sweep.valued) if won is not None and t.number == won.number]
    style = {"symbol": "diamond", "size": 13, "color": "$orange"}
    return [
        {
            **{"type": "scatter", "mode": "markers", "name": "winner", "marker": style},
            **{"x": [spent[i]], "y": [sweep.valued[i].value], "cliponaxis": False},
            "hovertemplate": Markup("trial {}, the winner: %{{y:{}}}<extra></extra>").format(
                sweep.valued[i].number, DIGITS
            ),
        }
        for i in at
    ]


def _focus(sweep: SweepData) -> list[float]:
    """Return the values of completed trials and of the best quarter: worse ones would flatten."""
    best_first = [t.value for t in sweep.ranked if t.value is not None]
    best_first.sort(reverse=sweep.mode == "max")
    ended = [t.value for t in sweep.valued if t.state == "completed" and t.value is not None]
    return [*best_first[: max(2, math.ceil(len(best_first) / 4))], *ended]


def _range(shown: list[float]) -> dict[str, object]:
    room = 0.15 * (max(shown) - min(shown))
    return {"range": [min(shown) - room, max(shown) + room]} if room else scale(shown)


def _legend(sweep: SweepData) -> str:
    return LEGEND + (INFEASIBLE if sweep.constraints else "")


def _outside(sweep: SweepData) -> str:
    """Describe how many trials are worse than what the charts show."""
    shown = _focus(sweep)
    low, high = min(shown), max(shown)
    count = sum(t.value is not None and not low <= t.value <= high for t in sweep.valued)
    side = "below" if sweep.mode == "max" else "above"
    return (
        f" {plural(count, 'worse trial')} {'is' if count == 1 else 'are'} {side} the range shown."
        if count
        else ""
    )


def _remark(sweep: SweepData) -> str:
    best, trials = best_so_far(sweep), sweep.valued
    if best[-1] is None:
        return f"{_legend(sweep)}{_outside(sweep)} No trial has satisfied the constraints."
    last = best.index(best[-1])
    since = len(best) - 1 - last
    after = sum(int(t.notes.get("epochs", 0)) for t in trials[last + 1 :])
    text = f"{_legend(sweep)}{_outside(sweep)} "
    if len(trials) < FEW:
        return text + "There are too few trials to tell whether more would pay off."
    if since == 0:
        return f"{text}The last trial to end is the best: the search has not converged."
    return (
        text
        + f"The best value was reached by the {_nth(last + 1)} trial to end; "
        + listed([plural(since, "trial"), plural(after, "epoch")])
        + " since then brought no improvement."
    )


def _nth(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"
