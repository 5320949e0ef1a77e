"""A study is checked before it goes on: its trials become words of a command line."""

from quintet.base import schema
from quintet.base.errors import UserError
from quintet.study.study import Study
from quintet.sweep.plan import Plan
from quintet.sweep.warm_start import begun_with


def check_points(plan: Plan, study: Study) -> None:
    """Refuse a study with a trial that this sweep could not have made.

    What varies in a trial becomes words of its command line.

    Raises:
        UserError: names the trial, and what of it is foreign.

    """
    known = {f"trial {e.trial} of {e.study}": e.point for e in begun_with(study)}
    points = {f"trial {trial.number}": trial.point for trial in study.trials()}
    for name, point in {**points, **known}.items():
        if odd := [f"{key}={schema.shown(point[key])}" for key in plan.space.foreign(point)]:
            raise UserError(
                f"study={study.folder.name}: {name} has {', '.join(odd)}, which is not of this "
                "sweep's space, so somebody else has written it. Restore the study's journal, or "
                "begin another study=."
            )
