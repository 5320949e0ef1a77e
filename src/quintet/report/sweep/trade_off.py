"""The trade-off between objectives: all trials over two of them, and the front."""

from itertools import combinations

from markupsafe import Markup

from quintet.base.formatting import plural, score
from quintet.report.html.blocks import Block, Text
from quintet.report.html.figure import Figure, Trace, axis
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.fronts import KEY
from quintet.study.trial import Trial

WIDE = 20.0
"""Ratio of the largest to the smallest value above which an axis is logarithmic."""


def trade_off(sweep: SweepData) -> list[Block]:
    """Return a chart for each pair of objectives; none of a sweep with one."""
    if not sweep.objectives:
        return []
    trials = [t for t in sweep.valued if KEY in t.notes]
    if not trials:
        return [Text("No trial has ended with all objectives yet.")]
    front = [t for t in trials if t.state == "completed" and not sweep.front[t.number]]
    pairs = combinations(sweep.objectives, 2)
    return [*(_chart(sweep, x, y, trials, front) for y, x in pairs), Text(_remark(sweep, front))]


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
    wide = min(values) > 0 and max(values) / min(values) > WIDE
    better = "smaller" if sweep.objectives[name] == "min" else "greater"
    return axis(f"{name} (the {better} the better)", **({"type": "log"} if wide else {}))


def _remark(sweep: SweepData, front: list[Trial]) -> str:
    return (
        f"Orange: the front, {plural(len(front), 'completed trial')} for which no other is at "
        "least as good in all objectives and better in one. Their models are in trials/. The "
        f"diamond, best/, is the one with the best {sweep.metric}."
    )
