"""The best model: its scores compared with an ensemble and simple baselines."""

from collections.abc import Mapping
from pathlib import Path

from quintet.artifacts import untrusted_files
from quintet.artifacts.ensemble_record import Ensemble
from quintet.artifacts.record import REPORT, Record, voters
from quintet.artifacts.untrusted_files import DamagedError
from quintet.base.formatting import duration, plural, score
from quintet.report.cells import scored
from quintet.report.html.blocks import Block, Columns, FactList, Links, Note, Text
from quintet.report.html.table import Cell, Table
from quintet.report.sweep.sweep_data import SweepData

Scores = Mapping[str, float | None]
PAGE = f"best/{REPORT}"


def best_model(sweep: SweepData) -> list[Block]:
    """Return the winner's scores, compared with others, its facts and its anomalies."""
    if sweep.winner is None:
        return [Text("There is no best model yet.")]
    record = sweep.best or sweep.records.get(sweep.winner.number)
    if record is None:
        return [
            Note(
                "The winner's folder has been deleted; only its entry in the study is left.", "warn"
            )
        ]
    return [
        _table(sweep, record),
        *(Note(text, "warn") for text in (*record.anomalies, *record.diagnosis)),
        *_predictions(sweep, record),
        FactList(_facts(sweep, record)),
        *own_page(sweep),
    ]


def own_page(sweep: SweepData) -> list[Block]:
    """Return a link to the winner's own report, if there is one."""
    if not sweep.best or not (sweep.folder / PAGE).is_file():
        return []
    return [Links({"The winner's own report: intervals, curves, errors, config": PAGE})]


def _predictions(sweep: SweepData, record: Record) -> list[Block]:
    """Return charts of the winner's predictions: on test data, else on validation data."""
    from quintet.artifacts.predictions_file import read
    from quintet.report.prediction_charts import charts
    from quintet.report.run.calibration_chart import calibration_blocks

    found = read(sweep.folder / "best") if sweep.best else {}
    names = [str(name) for name in record.facts.get("class_names") or []]
    for split, called in {"test": "test samples", "val": "validation samples"}.items():
        if split in found:
            diagram, *notes = [*calibration_blocks(found[split], split), None]
            made = [*charts(found[split], names, called), *([diagram] if diagram else [])]
            return [Columns(made), *filter(None, notes)] if made else []
    return []


def _table(sweep: SweepData, record: Record) -> Table:
    rows = scores(sweep, record)
    cells: list[list[Cell]] = [
        [name, scored(values.get("val")), scored(values.get("test"))]
        for name, values in rows.items()
    ]
    title = f"{sweep.metric}, the {'smaller' if sweep.mode == 'min' else 'greater'} the better"
    tones = ["best", *[""] * (len(cells) - 1)]
    caption = "Scores of the winner and of what it is compared with"
    return Table(caption, [title, "validation", "test"], cells, tones)


def scores(sweep: SweepData, record: Record) -> dict[str, Scores]:
    """Return the scores of the winner, the ensemble, the defaults and the baselines."""
    name = f"winner: {record.trained}, trial {_number_of(sweep)}"
    found: dict[str, Scores] = {
        name: {"val": record.metric.value, "test": record.test.get(sweep.metric)}
    }
    if made := ensemble(sweep.folder):
        found[f"ensemble of {voters(made.trials)}"] = {"val": made.val, "test": made.test}
    if sweep.defaults and sweep.defaults.number != _number_of(sweep):
        cut = ", pruned" if sweep.defaults.state == "pruned" else ""
        found[f"defaults: trial {sweep.defaults.number}{cut}"] = {"val": sweep.defaults.value}
    simple = {f"baseline: {name}": scores for name, scores in record.baselines.items()}
    return {**found, **simple}


def _number_of(sweep: SweepData) -> int:
    assert sweep.winner is not None
    return sweep.winner.number


def ensemble(folder: Path) -> Ensemble | None:
    """Return the ensemble that ensemble.py built from the sweep; None if it has not run."""
    try:
        return Ensemble.read(untrusted_files.inside(folder, "ensemble"))
    except (OSError, DamagedError):
        return None


def _facts(sweep: SweepData, record: Record) -> dict[str, object]:
    environment = record.environment
    epochs = plural(record.epochs, "epoch")
    values: dict[str, object] = {
        **({"Parameters": f"{record.parameters:,}"} if record.parameters else {}),
        "Trained": f"{epochs} in {duration(record.seconds)}, seed {record.seed}",
        "Folder": "best/" if sweep.best else f"trials/{_number_of(sweep):04d}/",
        "Python, torch": f"{environment.get('python', '–')}, {environment.get('torch', '–')}",
    }
    others = {k: v for k, v in record.test.items() if k != sweep.metric}
    if others:
        values["Also on test"] = ", ".join(f"{k} {score(v)}" for k, v in others.items())
    if commit := environment.get("commit"):
        dirty = ", with uncommitted changes" if environment.get("dirty") else ""
        values["Commit"] = f"{str(commit)[:12]}{dirty}"
    return values
