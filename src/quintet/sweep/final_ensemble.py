"""The final ensemble of a sweep, as made by `src/ensemble.py`, within the sweep's time."""

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
"""Study attributes: from how many trials the ensemble in its folder, and the one being made, were
chosen."""


def assemble(plan: Plan, study: Study, start: Start, budget: TimeBudget) -> Ensemble | str | None:
    """Average the best trials, unless the existing ensemble was chosen from all of them.

    It is made in a temporary folder; one made from the same number of trials before the sweep was
    killed is reused, so that the test set is used once.

    Returns:
        the content of `ensemble.json`; a string if there is none, with the reason; None if none
        was requested.

    """
    if not plan.settings.get("ensemble"):
        return None
    folder, done = study.folder / FOLDER, len(study.ended())
    place, why_not = study.folder / f".{FOLDER}", None
    if study.optuna.user_attrs.get(FOLDER) != done or not (folder / ENSEMBLE).is_file():
        why_not = _made(plan, study, place, done, start, budget)
        if why_not is None:
            shutil.rmtree(folder, ignore_errors=True)
            study.optuna.set_user_attr(FOLDER, done)
            files.move(place / FOLDER, folder)
    shutil.rmtree(place, ignore_errors=True)
    return Ensemble.read(folder) if why_not is None else why_not


def _made(
    plan: Plan, study: Study, place: Path, done: int, start: Start, budget: TimeBudget
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
    return subprocess_job.ran(subprocess_job.command(plan, FOLDER, arguments), place, start, budget)
