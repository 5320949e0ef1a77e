"""The ensemble that a sweep ends with: what `src/ensemble.py` makes, within the sweep's time."""

import shutil
from pathlib import Path

from quintet.artifacts.ensemble_record import Ensemble
from quintet.artifacts.record import ENSEMBLE
from quintet.base import files
from quintet.base.quoting import quoted
from quintet.config.trust import as_override
from quintet.study.study import Study
from quintet.sweep import subprocess_job
from quintet.sweep.plan import Plan
from quintet.sweep.time_budget import TimeBudget
from quintet.sweep.trial_process import Start

FOLDER, MAKING = "ensemble", "ensemble_of"
"""What a study knows how many trials by: those that the ensemble in its place, and the one that is
being made, have been chosen from."""


def assemble(plan: Plan, study: Study, start: Start, clock: TimeBudget) -> Ensemble | str | None:
    """Average the best trials; one that is there and knows all trials is not made again.

    It is made beside its place, and what was made for just as many trials before the sweep was
    killed is taken: the test set is opened once.

    Returns:
        what `ensemble.json` holds; a text where there is none, which says why; None where none
        was asked for.

    """
    if not plan.settings.get("ensemble"):
        return None
    folder, done = study.folder / FOLDER, len(study.ended())
    place, why_not = study.folder / f".{FOLDER}", None
    if study.optuna.user_attrs.get(FOLDER) != done or not (folder / ENSEMBLE).is_file():
        why_not = _made(plan, study, place, done, start, clock)
        if why_not is None:
            shutil.rmtree(folder, ignore_errors=True)
            study.optuna.set_user_attr(FOLDER, done)
            files.move(place / FOLDER, folder)
    shutil.rmtree(place, ignore_errors=True)
    return Ensemble.read(folder) if why_not is None else why_not


def _made(
    plan: Plan, study: Study, place: Path, done: int, start: Start, clock: TimeBudget
) -> str | None:
    """Make the ensemble of `done` trials in a folder in `place`; return why there is none."""
    if study.optuna.user_attrs.get(MAKING) == done and (place / FOLDER / ENSEMBLE).is_file():
        return None
    shutil.rmtree(place, ignore_errors=True)
    study.optuna.set_user_attr(MAKING, done)
    arguments = [
        f"sweep={quoted(study.folder)}",
        f"output={quoted(place / FOLDER)}",
        f"size={plan.settings.ensemble}",
        f"test={plan.test}",
        *as_override(plan.trust),
    ]
    place.mkdir(exist_ok=True)
    return subprocess_job.ran(subprocess_job.command(plan, FOLDER, arguments), place, start, clock)
