"""Logs a sweep to its trackers."""

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


def log(config: DictConfig, plan: Plan, study: Study) -> None:
    """Log the current state of the sweep to the trackers of its trials, if any."""
    if config.logger:
        trackers.log_sweep(config.logger, summary(plan, study))


def summary(plan: Plan, study: Study) -> SweepSummary:
    """Return the current state of a sweep."""
    swept = {parameter.key for parameter in plan.space.parameters}
    won = leaderboard.winner(study)
    record = winner.kept(study, won) if won is not None else None
    return SweepSummary(
        folder=plan.folder,
        choices={k: v for k, v in _choices(plan).items() if k not in swept},
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
        choices={**_choices(plan), **{k: v for k, v in trial.params.items() if k in GROUPS}},
        hparams={k.replace(".", "/"): v for k, v in trial.params.items()},
        recorded=(folder / RESULT).is_file(),
    )
