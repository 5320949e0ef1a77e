"""Checks of a study before it is continued: its trials decide which code runs."""

from quintet.base import schema
from quintet.base.errors import Code, UserError
from quintet.base.formatting import listed
from quintet.study.study import Study
from quintet.study.trial import EXPLORED
from quintet.sweep.plan import Plan
from quintet.sweep.points import KEPT
from quintet.sweep.trial_schedulers import StartTrial
from quintet.sweep.warm_start import started_from


def check(plan: Plan, study: Study) -> None:
    """Check that this sweep could have made all trials of a study.

    Raises:
        UserError: a trial has params outside the space, or lacks notes of the scheduler.

    """
    check_params(plan, study)
    check_scheduler_notes(plan, study)


def check_scheduler_notes(plan: Plan, study: Study) -> None:
    """Check that unfinished trials have the notes that the scheduler gives to new ones.

    Raises:
        UserError: a trial lacks one.

    """
    first = plan.scheduler.move([], 1, plan.max_epochs, plan.mode)
    needed = first.notes.keys() if isinstance(first, StartTrial) else set[str]()
    for trial in study.trials():
        if trial.state == "running" and (missing := needed - trial.notes.keys()):
            raise _refused(study, f"trial {trial.number} has no {listed(sorted(missing))}")


def check_params(plan: Plan, study: Study) -> None:
    """Check that all params of a study are in the space.

    A trial's params become overrides on its command line, and its explored params become requests
    to its run.

    Raises:
        UserError: a trial has params outside the space.

    """
    warm_start = {f"trial {e.trial} of {e.study}": e.params for e in started_from(study)}
    trials = {f"trial {trial.number}": trial.params for trial in study.trials()}
    explored = {
        f"trial {trial.number} by now": trial.notes[EXPLORED]
        for trial in study.trials()
        if EXPLORED in trial.notes
    }
    tried = enumerate(study.optuna.user_attrs.get(KEPT) or [])
    points = {f"point {index} of sweeper.try": params for index, params in tried}
    for name, params in {**trials, **explored, **warm_start, **points}.items():
        if odd := [f"{key}={schema.shown(params[key])}" for key in plan.space.invalid_keys(params)]:
            raise _refused(study, f"{name} has {', '.join(odd)}, outside this sweep's space")


def _refused(study: Study, why: str) -> UserError:
    return UserError(
        f"cannot be continued: {why}, so another program has written it",
        code=Code.NOT_TRUSTED,
        key="study",
        value=study.folder.name,
        hint="Restore the study's journal, or start another study=<name>",
    )
