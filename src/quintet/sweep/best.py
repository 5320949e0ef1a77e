"""The winner's run folder, copied to `best/` and tested once."""

import json
import shutil
from pathlib import Path

from quintet.record import RESULT, Record
from quintet.report.run.page import leave
from quintet.sweep import child
from quintet.sweep.plan import Plan
from quintet.sweep.process import LOCK, LOG, Start
from quintet.sweep.study import Study, Trial, folder_of

FOLDER = "best"
TRACKED = ("wandb", "tensorboard", "mlflow_run_id")
"""What trackers keep in the trial's folder; in a copy it would be a second run to them."""


def keep(plan: Plan, study: Study, best: Trial, start: Start) -> Record | None:
    """Copy the winner to `best/`, open the test set for it, and return its record.

    A winner that is there already is not tested again. Returns None where the trial's folder has
    been deleted.
    """
    source, target = folder_of(study.folder, best.number), study.folder / FOLDER
    if (record := kept(study, best)) is not None:
        return record
    if not (source / RESULT).is_file():
        return None
    made = study.folder / f".{FOLDER}"
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(source, made, ignore=shutil.ignore_patterns(LOCK, LOG, *TRACKED))
    record = Record.read(made)
    if plan.test:
        test(plan, made, record, start)
    shutil.rmtree(target, ignore_errors=True)
    made.replace(target)
    leave(target)
    study.optuna.set_user_attr("best", _sign(best))
    return record


def kept(study: Study, best: Trial) -> Record | None:
    """Return the record in `best/`; None where that is not, or not yet, this trial's."""
    target = study.folder / FOLDER
    if study.optuna.user_attrs.get("best") != _sign(best) or not (target / RESULT).is_file():
        return None
    return Record.read(target)


def _sign(best: Trial) -> list[object]:
    return [best.number, best.value]


def test(plan: Plan, folder: Path, record: Record, start: Start) -> None:
    """Score a run folder by evaluate.py; tests, its own and simple models', go into its record."""
    if record.checkpoint is None or not child.beside(plan, "evaluate").is_file():
        return
    arguments = [f"run='{folder}'", "splits=[val,test]", "baselines=true"]
    why_not = child.ran(plan, "evaluate", arguments, folder, start)
    scores = folder / "evaluation.json"
    if why_not is not None or not scores.is_file():
        record.anomalies.append(f"the test failed: {why_not}")
    else:
        record.test = json.loads(scores.read_text())["test"]
        record.baselines = Record.read(folder).baselines
        scores.unlink()
    record.write(folder)
