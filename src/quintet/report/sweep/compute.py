"""The compute of the sweep, and the savings by pruning."""

from markupsafe import Markup

from quintet.base.formatting import duration, moment, plural
from quintet.report.html.blocks import Block, FactList
from quintet.report.html.figure import Figure, Trace, axis, counting
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.trial import Trial

STATES = {"completed": "$blue", "pruned": "$faint", "failed": "$vermilion"}
UNITS = (("seconds", 1.0), ("minutes", 60.0), ("hours", 3600.0))


def compute(sweep: SweepData) -> list[Block]:
    """Return epochs, time and savings."""
    epochs = int(sweep.spent("epochs"))
    seconds = sweep.spent("seconds")
    busy = sweep.spent("cpu_seconds")
    begins = [begin for begin, _ in sweep.times.values() if begin]
    ends = [end for _, end in sweep.times.values() if end]
    values: dict[str, object] = {
        "Trials": plural(len(sweep.trials), "trial"),
        "Epochs": f"{epochs:,}{_saved(sweep)}",
        "Training time": f"{duration(seconds)}, sum over trials",
        "CPU time": f"{duration(busy)}, sum over trials",
    }
    if begins and ends:
        passed = (max(ends) - min(begins)).total_seconds()
        values["Wall time"] = (
            f"{duration(passed)}, from {moment(min(begins))} to {moment(max(ends))}"
        )
    if epochs:
        values["Time per epoch"] = (
            f"{seconds / epochs:.3g} s on average, including start-up and evaluation"
        )
    return [FactList(values), *_timeline(sweep)]


def _timeline(sweep: SweepData) -> list[Block]:
    """Return when each trial ran: gaps are idle slots; [] of fewer than two that have ended."""
    ran = _seconds(sweep)
    if len(ran) < 2:
        return []
    last = max(end for _, end in ran.values())
    unit, seconds = next(each for each in UNITS if last < 120 * each[1] or each == UNITS[-1])
    ended = [t for t in sweep.trials if t.number in ran]
    most = max(ran)
    traces = [
        _bars([t for t in ended if t.state == state], ran, color, seconds) | {"name": state}
        for state, color in STATES.items()
    ]
    layout = {
        "xaxis": axis(f"{unit} since the first trial began", rangemode="tozero"),
        "yaxis": axis("trial", range=[-0.5, most + 0.5], **counting(most)),
        "legend": {"orientation": "h", "y": -0.25, "x": 0},
    }
    title, caption = (
        "When each trial ran",
        "From the beginning of each trial to its end, including the time for which it was paused."
        if any("paused_at" in trial.notes for trial in ended)
        else "Bars above each other ran at the same time; a gap is an idle slot.",
    )
    return [Figure(title, [t for t in traces if t["x"]], layout, caption, 320)]


def _seconds(sweep: SweepData) -> dict[int, tuple[float, float]]:
    """Return begin and end of each trial that has ended, in seconds since the first one began."""
    known = {n: (begin, end) for n, (begin, end) in sweep.times.items() if begin and end}
    zero = min((begin for begin, _ in known.values()), default=None)
    return {
        n: ((begin - zero).total_seconds(), (end - zero).total_seconds())
        for n, (begin, end) in known.items()
        if zero is not None
    }


def _bars(
    trials: list[Trial], ran: dict[int, tuple[float, float]], color: str, unit: float
) -> Trace:
    x: list[float | None] = []
    y: list[int | None] = []
    text: list[str] = []
    for trial in trials:
        begin, end = ran[trial.number]
        x += [round(begin / unit, 3), round(end / unit, 3), None]
        y += [trial.number, trial.number, None]
        text += [f"trial {trial.number}, {trial.state}: {duration(end - begin)}"] * 3
    return {
        **{"type": "scatter", "mode": "lines", "x": x, "y": y, "text": text},
        "line": {"color": color, "width": max(1, min(8, 240 / len(ran)))},
        "hovertemplate": Markup("%{text}<extra></extra>"),
    }


def _saved(sweep: SweepData) -> str:
    """Describe how many epochs pruning saved."""
    pruned = [t for t in sweep.trials if t.state == "pruned"]
    saved = sum(sweep.max_epochs - int(t.notes.get("epochs", 0)) for t in pruned)
    if saved <= 0:
        return ""
    used = int(sweep.spent("epochs"))
    return f"; pruning saved {saved:,} more, {saved / (saved + used):.0%} of the total"
