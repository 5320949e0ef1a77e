"""The report of a run over folds or seeds: each score, their mean and spread, links to each."""

from markupsafe import Markup

from quintet.artifacts.record import REPORT, Record, by_fold
from quintet.artifacts.untrusted_files import DamagedError
from quintet.base.formatting import duration, margin, plural, score
from quintet.diagnostics.training_curves import Row, read
from quintet.report.html.blocks import Block, Columns, Text
from quintet.report.html.figure import DIGITS, Figure, Trace, axis, counting, scale
from quintet.report.html.table import Cell, Link, Number, Table
from quintet.report.run.run_data import RunData


def description(run: RunData) -> str:
    """Describe the repetitions: folds, seeds, or both."""
    names, parts = run.record.repeats, run.record.parts
    if not any("fold" in part for part in parts.values()):
        return plural(len(names), "seed")
    folds = len(by_fold(parts, names))
    seeds = len(names) // folds
    return f"{folds} folds" + (f" × {seeds} seeds" if seeds > 1 else "")


def spread(run: RunData) -> str:
    """Describe the standard deviation of the metric and the standard error of its mean."""
    found = run.record.spread
    if not found:
        return f"mean of {description(run)}"
    value = run.record.metric.value
    deviation, error = margin(found["deviation"], value), margin(found["error"], value)
    return f"mean of {description(run)} ± {deviation}; standard error {error}"


def table(run: RunData) -> list[Block]:
    """Return the metric of each fold or seed, with links to their reports."""
    rows: list[list[Cell]] = []
    kept = records(run)
    for name, value in run.record.repeats.items():
        own = kept.get(name)
        page = f"{name}/{REPORT}"
        link = Link(name, page if (run.folder / page).is_file() else f"{name}/")
        number = Number(value, score(value))
        if own is None:
            rows.append([link, number, None, None, None])
            continue
        sizes = f"{own.facts.get('train_size') or '–'} / {own.facts.get('val_size') or '–'}"
        rows.append([link, number, sizes, own.epochs, duration(own.seconds)])
    titles = ["run", f"{run.metric}, validation", "training / validation samples"]
    return [
        Table(f"{run.metric} of each run", [*titles, "epochs", "time"], rows),
        Text(
            "± is the standard deviation over folds (over seeds, without folds). The standard "
            "error assumes independent folds; they share training samples, so the true error is "
            "larger (Bengio and Grandvalet 2004).",
            "Spread.",
        ),
    ]


def scores_chart(run: RunData) -> list[Block]:
    """Return each score and the mean, for the first screen; [] of a single run."""
    values = run.record.repeats
    mean = run.record.metric.value
    if len(values) < 2 or mean is None:
        return []
    names = _labels(run)
    dots: Trace = {
        **{"type": "scatter", "mode": "markers", "x": [*values.values()], "y": names},
        "marker": {"size": 10, "color": "$blue"},
        "hovertemplate": Markup(f"%{{y}}: %{{x:{DIGITS}}}<extra></extra>"),
    }
    line = {"type": "line", "x0": mean, "x1": mean, "yref": "paper", "y0": 0, "y1": 1}
    layout = {
        "xaxis": axis(f"{run.metric}, validation", **scale([*values.values()])),
        "yaxis": axis("run", type="category", autorange="reversed"),
        "shapes": [{**line, "line": {"color": "$orange", "width": 2}}],
    }
    title = f"{run.metric} of each run, and the mean"
    return [Figure(title, [dots], layout, "Orange: the mean.", 130 + 26 * len(names))]


def _labels(run: RunData) -> list[str]:
    """Return each run's axis label: its fold and seed, if they differ between runs."""
    parts = {name: run.record.parts.get(name, {}) for name in run.record.repeats}
    differ = [w for w in ("fold", "seed") if len({part.get(w) for part in parts.values()}) > 1]
    shown = {name: [f"{w} {part[w]}" for w in differ if w in part] for name, part in parts.items()}
    return [", ".join(words) or name for name, words in shown.items()]


def curves(run: RunData) -> list[Block]:
    """Return the loss and metric of every fold or seed, by epoch."""
    rows = {name: read(run.folder / name / "metrics.csv") for name in run.record.repeats}
    if not any(rows.values()):
        return [Text("No epoch was completed.")]
    loss = run.record.choices.get("loss") or "loss"
    return [Columns([_chart(rows, "loss", f"Loss ({loss})"), _chart(rows, run.metric, run.metric)])]


def _chart(found: dict[str, list[Row]], key: str, title: str) -> Figure:
    traces = [
        trace
        for part, color, dash in (("train", "$blue", "dot"), ("val", "$orange", "solid"))
        if any((trace := _lines(found, f"{part}/{key}", color, dash))["x"])
    ]
    layout = {
        "xaxis": axis("epoch", **counting(max(map(len, found.values())))),
        "yaxis": axis(key),
        "legend": {"orientation": "h", "y": -0.25, "x": 0},
    }
    return Figure(title, traces, layout, "One line per run.", 340)


def _lines(found: dict[str, list[Row]], key: str, color: str, dash: str) -> Trace:
    x: list[int | None] = []
    y: list[float | None] = []
    text: list[str] = []
    for name, rows in found.items():
        known = [row for row in rows if key in row]
        x += [*(int(row["epoch"]) + 1 for row in known), None]
        y += [*(row[key] for row in known), None]
        text += [name] * (len(known) + 1)
    return {
        **{"type": "scatter", "x": x, "y": y, "text": text},
        "mode": "lines" if any(len(rows) > 1 for rows in found.values()) else "markers",
        "name": "training" if key.startswith("train") else "validation",
        "line": {"color": color, "dash": dash, "width": 1.6},
        "hovertemplate": Markup(f"%{{text}}<br>epoch %{{x}}: %{{y:{DIGITS}}}<extra></extra>"),
    }


def records(run: RunData) -> dict[str, Record]:
    """Return the records of the runs, by folder; deleted ones are skipped."""
    found = {}
    for name in run.record.repeats:
        try:
            found[name] = Record.read(run.folder / name)
        except (OSError, DamagedError):
            continue
    return found
