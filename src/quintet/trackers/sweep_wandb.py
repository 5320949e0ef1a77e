"""A sweep in W&B: a summary run, and the outcomes of trials that were killed."""

from typing import Any

from quintet.base.files import write_atomically
from quintet.base.secrets import redact, redacted
from quintet.trackers import wandb_media
from quintet.trackers.sweep_trackers import Failure, SweepSummary
from quintet.trackers.wandb_run import Identity, Place, known_id, staged, start

ENDED = "told"
"""Marker file in `wandb/` of a trial whose outcome was logged by the sweep."""


def log_sweep(settings: dict[str, Any], sweep: SweepSummary) -> None:
    """Log the current state of a sweep; a continued sweep updates the same summary run."""
    upload = settings.pop("upload")
    place = Place(**settings)
    for failure in sweep.failures:
        if not (failure.folder / "wandb" / ENDED).exists():
            _end(place, sweep, failure)
    tags = [f"{group}={name}" for group, name in sweep.choices.items()]
    others = [f"{sweep.folder}/trials/*/wandb/offline-run-*"]
    name = sweep.folder.name
    run = start(place, Identity(sweep.folder, name, "sweep", name, tags, sweep.hparams, others))
    try:
        with staged(sweep.folder):
            step = len(sweep.rows)  # grows with the sweep, as W&B requires
            run.log({"leaderboard": table(sweep), "charts/best": history(sweep)}, step=step)
            if upload:
                wandb_media.keep(run, sweep.files(), sweep.numbers())
        run.summary.update(sweep.numbers())
    finally:
        run.finish()


def _end(place: Place, sweep: SweepSummary, trial: Failure) -> None:
    """Log the failure of a trial that was killed or had no W&B run yet."""
    if trial.recorded and known_id(trial.folder) is not None:
        return
    tags = [*(f"{group}={name}" for group, name in trial.choices.items()), trial.status]
    config = {**trial.choices, **trial.hparams}
    folder, group = trial.folder, sweep.folder.name
    run = start(place, Identity(folder, trial.name, "trial", group, tags, config))
    run.summary.update({"status": trial.status, "reason": redact(trial.reason)})
    run.finish(exit_code=1)
    if place.mode != "disabled":
        write_atomically(folder / "wandb" / ENDED, "")


def table(sweep: SweepSummary) -> Any:
    """Return the leaderboard as a table; values of numeric columns become numbers."""
    import wandb

    columns: list[Any] = list(sweep.rows[0]) if sweep.rows else []
    kept = {name: numbers([row[name] for row in sweep.rows]) for name in columns}
    return wandb.Table(
        columns=columns, data=[redacted(row) for row in zip(*kept.values(), strict=True)]
    )


def numbers(values: list[Any]) -> list[Any]:
    """Convert values to numbers if all of them are numeric."""
    try:
        return [None if value is None else float(value) for value in values]
    except ValueError:
        return values


def history(sweep: SweepSummary) -> Any:
    """Return a chart of the metric of each trial and the best so far."""
    import wandb

    done = [row for row in sweep.rows if row["state"] == "completed"]
    scored = sorted((int(row["trial"]), float(row["value"])) for row in done)
    choose, so_far = (max if sweep.mode == "max" else min), list[float]()
    for _, value in scored:
        so_far.append(choose([value, *so_far[-1:]]))
    return wandb.plot.line_series(
        xs=[trial for trial, _ in scored],
        ys=[[value for _, value in scored], so_far],
        keys=["trial", "best so far"],
        title=sweep.metric,
        xname="trial",
    )
