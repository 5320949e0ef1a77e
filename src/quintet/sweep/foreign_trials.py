"""Checks a study before it is continued: its trials' params become command-line overrides."""

from quintet.base import schema
from quintet.base.errors import Code, UserError
from quintet.study.study import Study
from quintet.study.trial import EXPLORED
from quintet.sweep.plan import Plan
from quintet.sweep.points import KEPT
from quintet.sweep.warm_start import started_from


def check_params(plan: Plan, study: Study) -> None:
    """Check that this sweep could have made all trials of a study.

    A trial's params become overrides of its command line, and those that it has explored become
    requests to its run.

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
            raise UserError(
                f"cannot be continued: {name} has {', '.join(odd)}, which is not of this sweep's "
                "space, so another program has written it",
                code=Code.NOT_TRUSTED,
                key="study",
                value=study.folder.name,
                hint="Restore the study's journal, or start another study=<name>",
            )
