"""Effects of hyperparameters: parallel coordinates, slices, a map of the two most important."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from quintet.base.formatting import rounded, score
from quintet.report.html.blocks import Block, Columns, Text
from quintet.report.html.figure import Figure, Trace, axis
from quintet.report.sweep.board import short_names, varying
from quintet.report.sweep.maps import contour
from quintet.report.sweep.scales import ABSENT, parameter, place, ticks
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.space import Choice, Parameter
from quintet.study.trial import Trial

FEWEST = 3
"""Minimum number of trials for these charts."""
AXES, SLICES = 9, 6
BESIDE = 12
"""Pixels from an axis to its labels: the ends of the axis can be moved."""
WIDEST = 11
"""Longest axis name, in characters, that is drawn horizontally; longer ones are rotated."""
BELOW = 24
"""Most characters of the labels below a small chart that are drawn horizontally."""
GOLDEN = 0.618034
SLICED = "The metric against one parameter at a time{}. "
COLORS = "Orange: the winner; blue: completed trials; grey: pruned trials, at their last value."
BANDS = (
    ("the rest", "$faint", 0.35, 1.0),
    ("best quarter", "$sky", 0.9, 1.6),
    ("best tenth", "$blue", 1.0, 2.2),
    ("winner", "$orange", 1.0, 3.5),
)
"""Name, colour, opacity and line width, the worst first so that better ones are on top."""


def hyperparameters(sweep: SweepData) -> list[Block]:
    """Return the charts of the search space."""
    parameters = [p for key in varying(sweep) if (p := parameter(sweep.space, key))]
    if len(sweep.valued) < FEWEST or not parameters:
        return [Text(f"These charts need at least {FEWEST} trials.")]
    charts: list[Block] = []
    if len(parameters) > 1:
        charts.append(parallel(sweep, parameters[:AXES]))
    order = ", the most important first, with its importance" if sweep.importance else ""
    charts.append(Text(SLICED.format(order) + COLORS))
    charts.append(Columns([slice_of(sweep, p) for p in parameters[:SLICES]]))
    if surface := contour(sweep, parameters):
        charts.append(surface)
    return charts


def bands(sweep: SweepData) -> dict[str, list[Trial]]:
    """Group trials by rank."""
    ended = {t.number for t in sweep.valued}
    ranked = [t for t in sweep.ranked if t.number in ended]
    tenth, quarter = max(1, len(ranked) // 10), max(1, len(ranked) // 4)
    return {
        "winner": ranked[:1],
        "best tenth": ranked[1:tenth],
        "best quarter": ranked[max(1, tenth) : quarter],
        "the rest": ranked[max(1, quarter) :],
    }


def parallel(sweep: SweepData, parameters: Sequence[Parameter]) -> Figure:
    """Return parallel coordinates: one line per trial through its values."""
    found, last = bands(sweep), len(parameters)
    objective = _objective(sweep)
    names = [*short_names([p.key for p in parameters]), sweep.metric]
    traces = [
        _lines(sweep, parameters, objective, found[name], name, color, opacity, width)
        for name, color, opacity, width in BANDS
        if found[name]
    ]
    absent = any(place(p, t.params) is None for p in parameters for t in sweep.valued)
    bottom = (ABSENT if absent else 0.0) - 0.06
    layout = {
        "xaxis": {
            **{"tickvals": list(range(last + 1)), "showgrid": False, "ticks": ""},
            **{
                "ticktext": names,
                "side": "top",
                **({"tickangle": -25} if max(map(len, names)) > WIDEST else {}),
            },
            "range": [-0.2, last + 0.9],  # room for the labels of the last
        },
        "yaxis": {"visible": False, "range": [bottom, 1.08], "fixedrange": True},
        "shapes": [_vertical_axis(i) for i in range(last + 1)],
        "annotations": [
            *(mark for i, p in enumerate(parameters) for mark in _marks(i, ticks(p, 5))),
            *_marks(last, objective.ticks),
        ],
        "hovermode": "closest",
        "legend": {"orientation": "h", "y": -0.04, "x": 0, "traceorder": "reversed"},
    }
    caption = (
        "Each line is a trial, each vertical axis a parameter on its own scale"
        f"{', the most important first' if sweep.importance else ''}, and the last one the "
        f"{sweep.metric}, better values higher. Move the ends of an axis, by pointer or arrow "
        "keys, to keep the trials in between, here and in the leaderboard; its filter keeps lines "
        "here. Click on the legend to hide a group."
    ) + (" Below an axis: trials without the parameter." if absent else "")
    return Figure(
        "Good combinations of settings",
        traces,
        layout,
        caption,
        height=430,
        width=90 * (last + 1) + 70,
        brushes={**{p.key: _lowest(sweep, p) for p in parameters}, sweep.metric: 0},
    )


def _lowest(sweep: SweepData, p: Parameter) -> float:
    """Return the lowest position on an axis: below it, where some trial lacks the parameter."""
    return ABSENT if any(place(p, t.params) is None for t in sweep.valued) else 0


@dataclass(frozen=True)
class Objective:
    """The axis of the metric: the best value at the top, the worst tenth at the bottom."""

    best: float
    foot: float
    worst: float

    @classmethod
    def of(cls, values: Sequence[float], mode: str) -> "Objective":
        """Return the axis of some values, on which a diverged one does not flatten the others."""
        ranked = sorted(values, reverse=mode == "max")
        foot = ranked[max(0, len(ranked) - 1 - len(ranked) // 10)]
        return cls(ranked[0], foot, ranked[-1])

    def at(self, value: float) -> float:
        """Return the height of a value, from 0 to 1."""
        if self.best == self.foot:
            return float(value == self.best)
        return min(1.0, max(0.0, (value - self.foot) / (self.best - self.foot)))

    @property
    def ticks(self) -> dict[str, Any]:
        """The ticks: their heights and labels."""
        middle = (self.best + self.foot) / 2
        beyond = "" if self.worst == self.foot else "≤ " if self.worst < self.foot else "≥ "
        foot = f"{beyond}{score(self.foot)}"
        return {"tickvals": [0, 0.5, 1], "ticktext": [foot, score(middle), score(self.best)]}


def _objective(sweep: SweepData) -> Objective:
    return Objective.of([t.value for t in sweep.valued if t.value is not None], sweep.mode)


def _vertical_axis(i: int) -> dict[str, object]:
    ends = {"x0": i, "x1": i, "y0": 0, "y1": 1}
    return {"type": "line", "layer": "below", "line": {"color": "$line", "width": 1.5}, **ends}


def _marks(i: int, marks: Mapping[str, Any]) -> list[dict[str, object]]:
    style = {"showarrow": False, "xanchor": "left", "xshift": BESIDE, "bgcolor": "$card"}
    font = {"size": 11, "color": "$soft"}
    return [
        {"x": i, "y": y, "text": text, "font": font, "opacity": 0.9, **style}
        for y, text in zip(marks["tickvals"], marks["ticktext"], strict=True)
    ]


def _lines(
    sweep: SweepData,
    parameters: Sequence[Parameter],
    objective: "Objective",
    trials: Sequence[Trial],
    name: str,
    color: str,
    opacity: float,
    width: float,
) -> Trace:
    x: list[int | None] = []
    y: list[float | None] = []
    for trial in trials:
        places = [place(p, trial.params) for p in parameters]
        assert trial.value is not None
        ends = [ABSENT if at is None else at for at in places] + [objective.at(trial.value)]
        x += [*range(len(ends)), None]
        y += [*(round(at, 4) for at in ends), None]
    return {
        **{"type": "scatter", "mode": "lines", "x": x, "y": y, "name": name},
        **{"meta": [str(t.number) for t in trials]},
        **{"text": [_hover_text(sweep, trial) for trial in trials]},
        **{"opacity": opacity, "line": {"color": color, "width": width}},
        "hovertemplate": Markup("%{text}<extra></extra>"),
    }


def _hover_text(sweep: SweepData, trial: Trial) -> Markup:
    lines = [_name(sweep, trial)]
    lines += [f"{key} = {rounded(value)}" for key, value in trial.params.items()]
    return Markup("<br>").join(lines)


def _name(sweep: SweepData, trial: Trial) -> str:
    return f"trial {trial.number}, {trial.state}: {sweep.metric} {score(trial.value)}"


def slice_of(sweep: SweepData, p: Parameter) -> Figure:
    """Return the metric against one parameter, over the trials that have it."""
    traces = []
    groups = {"pruned": ("$faint", 6), "completed": ("$blue", 7)}
    for state, (color, size) in groups.items():
        trials = [t for t in sweep.valued if t.state == state and place(p, t.params) is not None]
        if sweep.winner in trials:
            trials.remove(sweep.winner)
        traces.append(_dots(sweep, p, trials, state, color, size))
    if sweep.winner and place(p, sweep.winner.params) is not None:
        traces.append(_dots(sweep, p, [sweep.winner], "winner", "$orange", 11))
    share = sweep.importance.get(p.key)
    title = p.key if share is None else f"{p.key} ({share:.0%})"
    layout = {
        "xaxis": axis(_axis_name(p), **_readable(ticks(p, 5))),
        "yaxis": axis(sweep.metric),
        "showlegend": False,
    }
    return Figure(title, traces, layout, height=280)


def _readable(marks: dict[str, Any]) -> dict[str, Any]:
    """Return ticks that slant where they are long: those that plotly turns itself lose the last."""
    return marks | ({"tickangle": -25} if sum(map(len, marks["ticktext"])) > BELOW else {})


def _axis_name(p: Parameter) -> str:
    scale = {"log": " (log scale)", "reverse_log": " (log scale of 1 − x)"}
    return p.key + scale.get(getattr(p, "scale", ""), "")


def _jittered(p: Parameter, trial: Trial) -> float:
    """Return a trial's position; positions on a categorical axis are jittered."""
    at = place(p, trial.params) or 0.0
    if not isinstance(p, Choice):
        return at
    return at + (trial.number * GOLDEN % 1 - 0.5) * 0.4 / len(p.values)


def _dots(
    sweep: SweepData, p: Parameter, trials: Sequence[Trial], name: str, color: str, size: int
) -> Trace:
    return {
        **{"type": "scatter", "mode": "markers", "name": name},
        "x": [round(_jittered(p, t), 4) for t in trials],
        "y": [t.value for t in trials],
        "text": [f"{_name(sweep, t)}, {p.key} {rounded(t.params[p.key])}" for t in trials],
        "marker": {"color": color, "size": size, "opacity": 0.8},
        "hovertemplate": Markup("%{text}<extra></extra>"),
    }
