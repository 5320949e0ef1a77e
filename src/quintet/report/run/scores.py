"""The scores, their confidence intervals, and the scores of simple baselines."""

from quintet.analysis.bootstrap import RESAMPLES, ConfidenceInterval, block_of
from quintet.analysis.measures import LOWER
from quintet.base.formatting import listed, score
from quintet.report.cells import bounds, scored
from quintet.report.html.blocks import Block, Note, Text
from quintet.report.html.table import Cell, Number, Table
from quintet.report.run.run_data import SPLITS, RunData

BASELINES = {
    "linear": "a linear model",
    "tree": "a decision tree",
    "boosting": "boosted trees",
    "persistence": "the last value of the series",
    "seasonal": "its value of a season ago",
    "dummy": "a dummy that always predicts the mean or the class frequencies",
}
"""What the baselines are, by name."""


def scores(run: RunData) -> list[Block]:
    """Return the measures with their intervals, and the scores of baselines."""
    blocks = [*(_measured(run) or _logged(run)), *baseline_scores(run)]
    if run.is_training:
        return blocks or [Text("The best checkpoint is evaluated when the run ends.")]
    return blocks or [Text("The run ended before it was evaluated.")]


def _measured(run: RunData) -> list[Block]:
    if not run.scores:
        return []
    measured = dict.fromkeys(name for part in run.scores.values() for name in part)
    alone = [n for n in run.record.metrics if n not in measured]  # without an interval
    names = [*measured, *alone]
    titles = ["measure"]
    for split in run.scores:
        titles += [SPLITS[split], "95 % interval"]
    rows: list[list[Cell]] = []
    for name in names:
        row: list[Cell] = [f"{name}, the {'smaller' if name in LOWER else 'greater'} the better"]
        for split, part in run.scores.items():
            recorded = run.recorded(split, name) if name in alone else None
            row += [scored(recorded), None] if name in alone else _cells(part.get(name))
        rows.append(row)
    tones = ["best" if name == run.metric else "" for name in names]
    return [
        Table("Measures with their intervals", titles, rows, tones),
        Text(_how(run), "Intervals."),
        *_cut(run),
    ]


def _logged(run: RunData) -> list[Block]:
    """Return what the module logged for the best weights, if there are no predictions."""
    parts = {"test": run.record.test, "val": run.record.validation}
    parts = {split: found for split, found in parts.items() if found}
    names = sorted({name for found in parts.values() for name in found} - {run.metric})
    if not parts:
        return []
    rows: list[list[Cell]] = []
    for name in (run.metric, *names):
        values = [found.get(name) for found in parts.values()]
        rows.append([name, *(None if v is None else Number(v, score(v)) for v in values)])
    titles, tones = ["logged", *(SPLITS[split] for split in parts)], ["best", *[""] * len(names)]
    return [Table("What the module logs of the best weights", titles, rows, tones)]


def _cells(found: ConfidenceInterval | None) -> list[Cell]:
    if found is None:
        return [None, None]
    return [Number(found.value, score(found.value)), bounds(found)]


def _how(run: RunData) -> str:
    blocks = {block_of(len(a), a.ordered) for a in run.answers.values() if a.ordered}
    drawn = (
        f"blocks of {min(blocks)} consecutive samples (Politis and Romano 1992)"
        if blocks
        else "samples (Efron and Tibshirani 1993)"
    )
    shares = "P" if blocks else "Of accuracy: Wilson's (1927). Of the others: p"
    return (
        f"{shares}ercentile bootstrap, {RESAMPLES:,} resamples of {drawn}, seeded. Coverage 95 %. "
        "There is none if all resamples agree, as for a perfect score. They "
        "reflect the sampling of the data, but neither the variation between seeds nor the choice "
        "of the epoch on the same validation data."
    )


def _cut(run: RunData) -> list[Block]:
    return [
        Note(
            f"Intervals, charts and examples of {SPLITS[split]} data use {len(found):,} evenly "
            f"spaced samples of {found.total:,}."
        )
        for split, found in run.answers.items()
        if len(found) < found.total
    ]


def baseline_scores(run: RunData) -> list[Block]:
    """Return the scores of the baselines on the same splits."""
    if not run.record.baselines:
        return []
    known = {key for values in run.record.baselines.values() for key in values}
    keys = [(split, "") for split in SPLITS if split in known]
    keys += [(s, name) for name in run.record.metrics for s in SPLITS if f"{s}/{name}" in known]
    own: list[Cell] = [scored(run.recorded(split, name or None)) for split, name in keys]
    rows: list[list[Cell]] = [[run.model, *own]]
    for title, values in run.record.baselines.items():
        cells = (values.get(f"{split}/{name}" if name else split) for split, name in keys)
        rows.append([f"baseline: {title}", *map(scored, cells)])
    titles = [run.metric, *(f"{SPLITS[split]} {name}".strip() for split, name in keys)]
    known_names = [what for name, what in BASELINES.items() if name in run.record.baselines]
    about = "On the same splits" + (f": {listed(known_names)}." if known_names else ".")
    if sampled := run.record.baselines_summary:
        about += f" {sampled.removeprefix('baselines: ').capitalize()}."
    return [
        Text(about, "Baselines."),
        Table("Scores of baselines", titles, rows, ["best", *[""] * len(run.record.baselines)]),
    ]
