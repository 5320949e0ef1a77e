"""The trade-off between objectives: all trials over two of them, and the front."""

from itertools import combinations

import numpy as np
from markupsafe import Markup

from quintet.base.formatting import plural, score
from quintet.report.html.blocks import Block, Text
from quintet.report.html.figure import Figure, Trace, axis, log_axis, scale
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.fronts import KEY
from quintet.study.optuna_internals import hypervolume
from quintet.study.trial import Trial

FEWEST = 3
"""Fewest completed trials for the course of the front."""
WIDE = 20.0
"""Ratio of the largest to the smallest value above which an axis is logarithmic."""


def trade_off(sweep: SweepData) -> list[Block]:
    """Return a chart for each pair of objectives; none of a sweep with one."""
    if not sweep.objectives:
        return []
    trials = [t for t in sweep.valued if KEY in t.notes]
    if not trials:
        return [Text("No trial has ended with all objectives yet.")]
    front = [t for t in trials if t.state == "completed" and sweep.front.get(t.number) == 0]
    pairs = combinations(sweep.objectives, 2)
    return [
        *(_chart(sweep, x, y, trials, front) for y, x in pairs),
        Text(_remark(sweep, front)),
        *_volume(sweep, [t for t in trials if t.state == "completed"]),
    ]


def _volume(sweep: SweepData, completed: list[Trial]) -> list[Block]:
    """Return the volume that the front dominates, by trial; [] of too few trials."""
    if len(completed) < FEWEST:
        return []
    shares = dominated_shares(_units(sweep, completed))
    trace: Trace = {
        **{"type": "scatter", "mode": "lines", "name": "dominated volume"},
        **{"x": [*range(1, len(shares) + 1)], "y": shares},
        "line": {"shape": "hv", "color": "$orange", "width": 2.5},
        "hovertemplate": Markup("after %{x} completed trials: %{y:.1%}<extra></extra>"),
    }
    layout = {
        "xaxis": axis("completed trials"),
        "yaxis": axis("dominated volume", tickformat=".0%", range=[0, 1.05]),
    }
    caption = (
        "The hypervolume between the front and the worst value of each objective, as a share of "
        "the box between the best and the worst ones (Zitzler and Thiele 1998). While it rises, "
        "more trials pay off."
    )
    return [Figure("How far the front has come", [trace], layout, caption, 260)]


def dominated_shares(points: np.ndarray) -> list[float]:
    """Return the hypervolume of the first point, the first two, and so on.

    Args:
        points: (points, objectives) in [0, 1], each the smaller the better.

    """
    front, reference = np.empty((0, points.shape[1])), np.ones(points.shape[1])
    volume, shares = 0.0, []
    for point in points:
        if not (front <= point).all(1).any():
            front = np.vstack([front[~(point <= front).all(1)], point])
            volume = hypervolume(front, reference)
        shares.append(round(volume, 4))
    return shares


def _units(sweep: SweepData, trials: list[Trial]) -> np.ndarray:
    """Return objectives from 0 for the best to 1 for the worst, by logarithm if they span far."""
    columns = []
    for name, mode in sweep.objectives.items():
        values = np.array([_at(t, name) for t in trials])
        values = np.log(values) if _spans_far(values.tolist()) else values
        share = (values - values.min()) / ((values.max() - values.min()) or 1.0)
        columns.append(share if mode == "min" else 1 - share)
    return np.stack(columns, 1)


def _chart(sweep: SweepData, x: str, y: str, trials: list[Trial], front: list[Trial]) -> Figure:
    rest = [t for t in trials if t not in front]
    ordered = sorted(front, key=lambda t: _at(t, x))
    line = "lines+markers" if len(sweep.objectives) == 2 else "markers"
    traces = [
        _points(rest, x, y, mode="markers", name="other trials")
        | {"marker": {"color": "$faint", "size": 7}},
        _points(ordered, x, y, mode=line, name="front")
        | {"marker": {"color": "$orange", "size": 10}}
        | {"line": {"shape": _shape(sweep, x, y), "color": "$orange", "width": 2}},
    ]
    if sweep.winner is not None and KEY in sweep.winner.notes:
        diamond = {"color": "$ink", "symbol": "diamond-open", "size": 16}
        traces.append(
            _points([sweep.winner], x, y, mode="markers", name="best/") | {"marker": diamond}
        )
    layout = {"xaxis": _axis(sweep, x, trials), "yaxis": _axis(sweep, y, trials)}
    return Figure(f"{y} against {x}", traces, layout, height=420)


def _points(trials: list[Trial], x: str, y: str, **more: str) -> Trace:
    texts = [
        f"trial {t.number}, {t.state}: {y} {score(_at(t, y))}, {x} {score(_at(t, x))}"
        for t in trials
    ]
    return {
        **{"type": "scatter", "x": [_at(t, x) for t in trials], "y": [_at(t, y) for t in trials]},
        **{"text": texts, "hovertemplate": Markup("%{text}<extra></extra>"), **more},
    }


def _at(trial: Trial, name: str) -> float:
    return float(trial.notes[KEY][name])


def _shape(sweep: SweepData, x: str, y: str) -> str:
    """Return the step line that bounds the region dominated by the front."""
    return "hv" if sweep.objectives[x] == "min" else "vh"


def _axis(sweep: SweepData, name: str, trials: list[Trial]) -> dict[str, object]:
    values = [_at(t, name) for t in trials]
    better = "smaller" if sweep.objectives[name] == "min" else "greater"
    title = f"{name} (the {better} the better)"
    return log_axis(title, values) if _spans_far(values) else axis(title, **scale(values))


def _spans_far(values: list[float]) -> bool:
    return min(values) > 0 and max(values) / min(values) > WIDE


def _remark(sweep: SweepData, front: list[Trial]) -> str:
    return (
        f"Orange: the front, {plural(len(front), 'completed trial')} for which no other is at "
        "least as good in all objectives and better in one. Their models are in trials/. The "
        f"diamond, best/, is the one with the best {sweep.metric}."
    )
