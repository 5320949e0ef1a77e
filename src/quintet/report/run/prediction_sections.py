"""The predictions: the charts that fit the task."""

from collections.abc import Callable

import numpy as np

from quintet.artifacts.predictions_file import Predictions
from quintet.base.formatting import number
from quintet.problems.problem import Section
from quintet.report.html.blocks import Block, Columns, Text
from quintet.report.prediction_charts import charts
from quintet.report.run import classes, forecast, mask_charts
from quintet.report.run.calibration_chart import calibration_blocks
from quintet.report.run.run_commands import not_saved
from quintet.report.run.run_data import SPLITS, RunData

SIDE_BY_SIDE = 12
"""Maximum number of classes for matrices of two splits side by side."""


def predictions(run: RunData) -> list[Block]:
    """Return confusion matrices, tables of classes or labels, or predictions against targets.

    [] of a module whose predictions have no targets: its samples are another section.
    """
    found = {split: a for split, a in run.answers.items() if len(a)}
    if not run.by_sample:
        return []
    if not found:
        return not_saved(run, "The predictions")
    latest = found[str(run.latest)]
    names = [str(name) for name in run.facts.get("class_names") or []]
    drawn = {split: charts(a, names, f"{SPLITS[split]} data") for split, a in found.items()}
    make: dict[Section, Callable[[], list[Block]]] = {
        "forecast": lambda: [forecast.forecast(run)] if latest.ordered else [],
        "pairs": lambda: [Columns(drawn[str(run.latest)])],
        "errors": lambda: [_errors(latest, SPLITS[str(run.latest)])],
        "confusion": lambda: _matrices(run, [chart for made in drawn.values() for chart in made]),
        "ranking": lambda: [Columns(classes.ranking(run))],
        "classes": lambda: [classes.by_class(run)],
        "labels": lambda: [classes.labels(run)],
        "pixels": lambda: [mask_charts.by_class(run)],
    }
    blocks = [block for section in latest.problem.sections for block in make[section]()]
    return [*blocks, *calibration_blocks(latest, str(run.latest))]


def _matrices(run: RunData, matrices: list[Block]) -> list[Block]:
    return [Columns(matrices)] if len(run.names) <= SIDE_BY_SIDE and matrices else matrices


def _errors(answers: Predictions, split: str) -> Text:
    error = np.abs(answers.predicted - answers.target)
    far = ", ".join(f"{q} % within {number(float(np.quantile(error, q / 100)))}" for q in (50, 90))
    return Text(f"On {split} data {far} of the target.", "Errors.")
