"""The ensemble that a sweep ends with: what `src/ensemble.py` makes, within the sweep's time."""

import shutil

from quintet.ensemble_record import Ensemble
from quintet.quoting import quoted
from quintet.record import ENSEMBLE
from quintet.sweep import child
from quintet.sweep.clock import Clock
from quintet.sweep.plan import Plan
from quintet.sweep.process import Start
from quintet.sweep.study import Study
from quintet.trust import as_override

FOLDER = "ensemble"


def assemble(plan: Plan, study: Study, start: Start, clock: Clock) -> Ensemble | str | None:
    """Average the best trials; one that is there and knows all trials is not made again.

    Returns:
        what `ensemble.json` holds; a text where there is none, which says why; None where none
        was asked for.

    """
    if not plan.settings.get("ensemble"):
        return None
    folder, done = study.folder / FOLDER, len(study.ended())
    if study.optuna.user_attrs.get(FOLDER) != done or not (folder / ENSEMBLE).is_file():
        arguments = [
            f"sweep={quoted(study.folder)}",
            f"size={plan.settings.ensemble}",
            f"test={plan.test}",
            *as_override(plan.trust),
        ]
        place = study.folder / f".{FOLDER}"
        place.mkdir(exist_ok=True)
        why_not = child.ran(child.command(plan, FOLDER, arguments), place, start, clock)
        shutil.rmtree(place, ignore_errors=True)
        if why_not is not None:
            return why_not
        study.optuna.set_user_attr(FOLDER, done)
    return Ensemble.read(folder)
