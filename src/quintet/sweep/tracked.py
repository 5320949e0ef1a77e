"""A sweep as its trackers are told of it."""

from omegaconf import DictConfig

from quintet.loggers import sweep as trackers
from quintet.loggers.sweep import Failure, Sweep
from quintet.record import RESULT
from quintet.run_folder import GROUPS
from quintet.sweep import best, leaderboard
from quintet.sweep.plan import Plan
from quintet.sweep.study import Study, Trial, folder_of


def tell(config: DictConfig, plan: Plan, study: Study) -> None:
    """Tell the trackers that the trials had how the sweep stands; where there are none, nothing."""
    if config.logger:
        trackers.tell(config.logger, seen(plan, study))


def seen(plan: Plan, study: Study) -> Sweep:
    """Return a sweep as it stands."""
    varied = {parameter.key for parameter in plan.space.parameters}
    won = leaderboard.winner(study)
    record = best.kept(study, won) if won is not None else None
    return Sweep(
        folder=plan.folder,
        choices={k: v for k, v in _choices(plan).items() if k not in varied},
        space=plan.space.describe(),
        metric=plan.metric,
        mode=plan.mode,
        rows=leaderboard.rows(study),
        failures=[_failure(plan, t) for t in study.trials() if t.state == "failed"],
        best=None if record is None else (plan.folder / best.FOLDER, record),
    )


def _choices(plan: Plan) -> dict[str, str]:
    return {k: v for k, v in plan.space.chosen.items() if k in GROUPS and v is not None}


def _failure(plan: Plan, trial: Trial) -> Failure:
    folder = folder_of(plan.folder, trial.number)
    return Failure(
        folder=folder,
        status=str(trial.notes.get("status", "failed")),
        reason=str(trial.notes.get("reason")),
        choices={**_choices(plan), **{k: v for k, v in trial.point.items() if k in GROUPS}},
        hparams={k.replace(".", "/"): v for k, v in trial.point.items()},
        recorded=(folder / RESULT).is_file(),
    )
