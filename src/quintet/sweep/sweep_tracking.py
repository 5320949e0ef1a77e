"""A sweep as its trackers are told of it."""

from omegaconf import DictConfig

from quintet.artifacts.record import RESULT
from quintet.config.run_folder import GROUPS
from quintet.study import leaderboard
from quintet.study.study import Study
from quintet.study.trial import Trial, folder_of
from quintet.sweep import winner
from quintet.sweep.plan import Plan
from quintet.trackers import sweep_trackers as trackers
from quintet.trackers.sweep_trackers import Failure, SweepSummary


def tell(config: DictConfig, plan: Plan, study: Study) -> None:
    """Tell the trackers that the trials had how the sweep stands; where there are none, nothing."""
    if config.logger:
        trackers.log_sweep(config.logger, seen(plan, study))


def seen(plan: Plan, study: Study) -> SweepSummary:
    """Return a sweep as it stands."""
    varied = {parameter.key for parameter in plan.space.parameters}
    won = leaderboard.winner(study)
    record = winner.kept(study, won) if won is not None else None
    return SweepSummary(
        folder=plan.folder,
        choices={k: v for k, v in _choices(plan).items() if k not in varied},
        space=plan.space.describe(),
        metric=plan.metric,
        mode=plan.mode,
        rows=leaderboard.rows(study),
        failures=[_failure(plan, t) for t in study.trials() if t.state == "failed"],
        best=None if record is None else (plan.folder / winner.FOLDER, record),
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
