"""The winner's run folder, copied to `best/` and tested once."""

import shutil
from pathlib import Path

from quintet.artifacts import checkpoints, untrusted_files
from quintet.artifacts.record import ENSEMBLE, Record
from quintet.artifacts.untrusted_files import DamagedError
from quintet.base import files, schema
from quintet.base.formatting import score
from quintet.base.quoting import quoted
from quintet.config.trust import as_override
from quintet.study import leaderboard
from quintet.study.study import Study
from quintet.study.trial import Trial, folder_of
from quintet.sweep import subprocess_job
from quintet.sweep.plan import Plan
from quintet.sweep.trial_process import LOCK, LOG, Start

FOLDER = "best"
SCORES = "evaluation.json"
KEPT, CLOSED = "best", "best_closed"
"""Study attributes of `best/`: the trial it is a copy of, and the trial it was tested for."""
UNTESTED = "untested"
"""Study attribute: the anomaly of `best/` that says why its test failed, until it succeeds."""
PASSED_OVER = "passed_over"
"""Study attribute: trials better than the one in `best/`, whose checkpoints are gone."""
TRACKER_FILES = ("wandb", "tensorboard", "mlflow_run_id")
"""Files of trackers in the trial's folder; a copy of them would look like a second run."""


def keep(plan: Plan, study: Study, start: Start) -> tuple[Trial, Record] | None:
    """Copy the best trial that still has its checkpoint to `best/`, and test it.

    Each step is skipped if it has been done before, so that a sweep killed here continues where it
    was. Better trials, whose folder or checkpoint was deleted, are listed in its record.

    Returns:
        the trial and its record; None if no trial has its checkpoint.

    """
    passed: list[Trial] = []
    for trial in leaderboard.ranked(study):
        if not trial.can_win:
            continue
        record = kept(study, trial)
        if record is None and has_model(folder_of(study.folder, trial.number)):
            record = _copied(plan, study, trial, passed)
        if record is not None:
            _close(plan, study, trial, record, start)
            study.optuna.set_user_attr(PASSED_OVER, [t.number for t in passed])
            return trial, record
        passed.append(trial)
    return None


def _copied(plan: Plan, study: Study, trial: Trial, passed: list[Trial]) -> Record:
    source, target = folder_of(study.folder, trial.number), study.folder / FOLDER
    made = study.folder / f".{FOLDER}"
    shutil.rmtree(made, ignore_errors=True)
    left_out = shutil.ignore_patterns(LOCK, LOG, *TRACKER_FILES)
    shutil.copytree(source, made, ignore=left_out, copy_function=files.copy)
    record = Record.read(made)
    record.anomalies += [
        f"trial {better.number} was better, {plan.metric} {score(better.value)}, but its "
        f"checkpoint is missing or damaged; this is trial {trial.number}"
        for better in passed
    ]
    record.write(made)
    study.optuna.set_user_attr(CLOSED, None)
    shutil.rmtree(target, ignore_errors=True)
    files.move(made, target)
    study.optuna.set_user_attr(KEPT, _identity(trial))
    return record


def _close(plan: Plan, study: Study, trial: Trial, record: Record, start: Start) -> None:
    """Test `best/`, unless that has been done; a test that failed is tried again next time."""
    target, closed = study.folder / FOLDER, study.optuna.user_attrs.get(CLOSED)
    if closed in ([*_identity(trial), True], [*_identity(trial), plan.test]):
        return
    if (before := study.optuna.user_attrs.get(UNTESTED)) in record.anomalies:
        record.anomalies.remove(before)
    todo = plan.test and not record.test
    why_not = test(plan, target, record, start) if todo else None
    if why_not is not None:
        anomaly = f"the test failed: {why_not}; the sweep's command tries it again"
        study.optuna.set_user_attr(UNTESTED, anomaly)
        record.anomalies.append(anomaly)
        record.write(target)
    for name in (SCORES, LOG, LOCK):  # the last two are left by a killed test
        (target / name).unlink(missing_ok=True)
    files.remove_temporary_files(target)
    if why_not is None:
        study.optuna.set_user_attr(CLOSED, [*_identity(trial), plan.test])


def kept(study: Study, best: Trial) -> Record | None:
    """Return the record in `best/`; None if it is not this trial's, or no longer complete."""
    target = study.folder / FOLDER
    if study.optuna.user_attrs.get(KEPT) != _identity(best) or not has_model(target):
        return None
    return Record.read(target)


def has_model(folder: Path) -> bool:
    """Return whether all checkpoints of a run folder's record exist and are complete."""
    try:
        record = Record.read(folder)
    except (FileNotFoundError, NotADirectoryError, DamagedError):
        return False
    if record.checkpoint == ENSEMBLE:
        return all(has_model(folder / name) for name in record.repeats)
    return record.checkpoint is None or checkpoints.is_whole(folder / record.checkpoint)


def _identity(best: Trial) -> list[object]:
    return [best.number, best.value]


def test(plan: Plan, folder: Path, record: Record, start: Start) -> str | None:
    """Score a run folder by evaluate.py; add its test scores and the baselines' to its record.

    evaluate.py writes the scores last. If they exist, the test set has been opened, and a sweep
    that was killed before it recorded them does not open it again.

    Returns:
        None if nothing is left to do, otherwise why it failed.

    """
    if record.checkpoint is None or not subprocess_job.script(plan, "evaluate").is_file():
        return None
    scores = folder / SCORES
    if (found := _scores(scores)) is None:
        if (why_not := _evaluated(plan, folder, start)) is not None:
            return why_not
        if not scores.is_file():
            return f"there is no {SCORES}"
        found = _scores(scores) or {}  # of data without a test part, of a module without a test
    scored = Record.read(folder)
    record.test, record.baselines = found, scored.baselines
    record.baseline_rows = scored.baseline_rows
    record.write(folder)
    return None


def _evaluated(plan: Plan, folder: Path, start: Start) -> str | None:
    """Run evaluate.py on a run folder; return why it failed, None if it did not."""
    arguments = [f"run={quoted(folder)}", "splits=[val,test]", "baselines=true"]
    arguments += as_override(plan.trust)
    command = subprocess_job.command(plan, "evaluate", arguments)
    return subprocess_job.ran(command, folder, start)


def _scores(path: Path) -> dict[str, float] | None:
    """Return the test scores that evaluate.py has written; None if there are none."""
    if not path.is_file():
        return None
    scores = schema.with_nan(untrusted_files.read_json(path.parent, path.name, dict))
    found: dict[str, float] | None = scores.get("test")
    return found
