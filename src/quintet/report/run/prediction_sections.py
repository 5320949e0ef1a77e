"""The predictions: the charts that fit the task."""

import numpy as np

from quintet.artifacts.predictions_file import Predictions
from quintet.report.html.blocks import Block, Columns, Text
from quintet.report.prediction_charts import charts
from quintet.report.run import classes, forecast
from quintet.report.run.calibration_chart import calibration_blocks
from quintet.report.run.run_data import SPLITS, RunData

SIDE_BY_SIDE = 12
"""Most classes for which the matrices of two splits are shown side by side."""
ABSENT = (
    "The predictions were not saved: this run is a trial of a sweep, or it ended early. "
    "python src/evaluate.py run=<this folder> saves them, and report.py then shows them."
)
UNKNOWN = "What the module predicts of a sample is not known: it is no supervised module."


def predictions(run: RunData) -> list[Block]:
    """Return confusion matrices, tables of classes or labels, or predictions against targets."""
    found = {split: a for split, a in run.answers.items() if len(a)}
    if not run.by_sample:
        return [Text(UNKNOWN)]
    if not found:
        return [Text(ABSENT)]
    latest = found[str(run.latest)]
    names = [str(name) for name in run.facts.get("class_names") or []]
    drawn = {split: charts(a, names, f"{SPLITS[split]} data") for split, a in found.items()}
    if latest.task == "regression":
        ahead = [forecast.forecast(run)] if latest.ordered else []
        return [*ahead, Columns(drawn[str(run.latest)]), _errors(latest, SPLITS[str(run.latest)])]
    matrices = [chart for made in drawn.values() for chart in made]
    blocks: list[Block] = (
        [Columns(matrices)] if len(run.names) <= SIDE_BY_SIDE and matrices else matrices
    )
    if latest.task == "binary":
        blocks.append(Columns(classes.ranking(run)))
    each = classes.labels(run) if latest.task == "multilabel" else classes.by_class(run)
    return [*blocks, each, *calibration_blocks(latest, str(run.latest))]


def _errors(answers: Predictions, split: str) -> Text:
    error = np.abs(answers.predicted - answers.target)
    far = ", ".join(f"{q} % within {np.quantile(error, q / 100):.4g}" for q in (50, 90))
    return Text(f"On {split} data {far} of the target.", "Errors.")
