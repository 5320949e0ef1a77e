"""Learning curves of all trials, and where trials were pruned."""

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from quintet.report.html.blocks import Block, Text
from quintet.report.html.figure import DIGITS, Figure, Trace, axis, counting
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.trial import SOURCES, Trial

POINTS = 120
"""Maximum number of epochs drawn; longer curves are thinned evenly, keeping the last."""
RUNGS = 8


def learning(sweep: SweepData) -> list[Block]:
    """Return the chart of all learning curves."""
    if not sweep.curves:
        return [Text("No trial has reported the metric of an epoch yet.")]
    won = sweep.winner.number if sweep.winner else None
    others = [t for t in sweep.trials if t.number in sweep.curves and t.number != won]
    pruned = [t for t in others if t.state == "pruned" or t.paused]
    going = [t for t in others if t.state == "running" and not t.paused]
    rest = [t for t in others if t not in pruned and t not in going]
    traces = [
        _lines(sweep, pruned, "pruned", "$faint", 1.1, 0.55),
        _ends(sweep, pruned),
        _lines(sweep, going, "running", "$green", 1.3, 0.8),
        _lines(sweep, rest, "completed", "$blue", 1.4, 0.65),
    ]
    if sweep.winner and won in sweep.curves:
        name = f"winner, trial {won}"
        traces.append(_lines(sweep, [sweep.winner], name, "$orange", 3, 1))
    traces = [trace for trace in traces if trace["x"]]
    shapes, marks = _rungs(sweep, pruned)
    layout = {
        "xaxis": axis(_unit(sweep), rangemode="tozero", **counting(_last(sweep))),
        "yaxis": axis(f"{sweep.metric}, validation"),
        **{"shapes": shapes, "annotations": marks, "hovermode": "closest"},
        "legend": {"orientation": "h", "y": -0.2, "x": 0},
        "margin": {"t": 72 if len(marks) > 1 else 40 if marks else 14},
    }
    return [
        Figure(
            f"{sweep.metric} of every trial, by epoch", traces, layout, _caption(sweep, pruned), 460
        )
    ]


def _last(sweep: SweepData) -> int:
    return max((max(curve) for curve in sweep.curves.values()), default=0)


def _unit(sweep: SweepData) -> str:
    """Return the unit of the x-axis, which depends on how trials over folds report."""
    if not sweep.several:
        return "epochs"
    reported = any(trial.reports for trial in sweep.trials)
    return "epochs, sum over folds" if reported else "epochs of each fold; mean over folds"


def _caption(sweep: SweepData, pruned: Sequence[Trial]) -> str:
    inherited = any(SOURCES in trial.notes for trial in sweep.trials)
    jumps = " A curve jumps where a trial took over the run of a better one." if inherited else ""
    if not pruned:
        return f"No trial was pruned: each trained to its end or failed.{jumps}"
    return (
        "Grey: pruned trials, with a cross where they stopped. Dotted: a rung, with the numbers of "
        f"trials that stopped there and that continued.{jumps}"
    )


def _lines(
    sweep: SweepData, trials: Sequence[Trial], name: str, color: str, width: float, opacity: float
) -> Trace:
    x: list[int | None] = []
    y: list[float | None] = []
    text: list[str] = []
    for trial in trials:
        curve = sweep.curves[trial.number]
        epochs = thinned(sorted(curve))
        x += [*epochs, None]
        y += [*(round(curve[epoch], 5) for epoch in epochs), None]
        text += [f"trial {trial.number}"] * (len(epochs) + 1)
    few = len(trials) == 1 or all(len(sweep.curves[t.number]) == 1 for t in trials)
    return {
        **{"type": "scatter", "mode": "lines+markers" if few else "lines", "name": name},
        **{"x": x, "y": y, "text": text, "opacity": opacity},
        "line": {"color": color, "width": width},
        "marker": {"size": 5},
        "hovertemplate": Markup(f"%{{text}}<br>epoch %{{x}}: %{{y:{DIGITS}}}<extra></extra>"),
    }


def thinned(epochs: list[int]) -> list[int]:
    """Return at most `POINTS` epochs and the last one."""
    step = -(-len(epochs) // POINTS)
    return epochs if step <= 1 else sorted({*epochs[::step], epochs[-1]})


def _ends(sweep: SweepData, pruned: Sequence[Trial]) -> Trace:
    last = [max(sweep.curves[t.number]) for t in pruned]
    return {
        **{"type": "scatter", "mode": "markers", "name": "stopped here", "x": last},
        "y": [sweep.curves[t.number][at] for t, at in zip(pruned, last, strict=True)],
        "text": [f"trial {t.number} stopped" for t in pruned],
        "marker": {"symbol": "x-thin", "size": 7, "line": {"width": 1.6, "color": "$vermilion"}},
        "hovertemplate": Markup(f"%{{text}}<br>epoch %{{x}}: %{{y:{DIGITS}}}<extra></extra>"),
    }


def _rungs(
    sweep: SweepData, pruned: Sequence[Trial]
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Return a dotted line with its numbers for each epoch at which several trials stopped."""
    stopped = Counter(max(sweep.curves[t.number]) for t in pruned)
    rungs = sorted(e for e, count in stopped.items() if count > 1)
    if len(rungs) > RUNGS:  # a scheduler that decides at every epoch has no rungs
        return [], []
    shapes, marks = [], list[dict[str, object]]()
    for index, epoch in enumerate(rungs):
        on = sum(max(curve) > epoch for curve in sweep.curves.values())
        line = {"dash": "dot", "width": 1.2, "color": "$soft"}
        ends = {"x0": epoch, "x1": epoch, "y0": 0, "y1": 1}
        shapes.append({"type": "line", "yref": "paper", "layer": "below", "line": line, **ends})
        text = Markup("{} stopped<br>{} continued").format(stopped[epoch], on)
        style = {"showarrow": False, "yanchor": "bottom", "font": {"size": 11, "color": "$soft"}}
        marks.append({"x": epoch, "y": 1, "yref": "paper", "text": text, **style})
        marks[-1]["yshift"] = 30 * (index % 2)  # neighbours on a narrow screen
    return shapes, marks
