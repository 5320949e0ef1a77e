"""A sweep in MLflow: the parent run of its trials, with the outcome."""

from typing import Any

from quintet.base.files import write_atomically
from quintet.trackers import mlflow_run
from quintet.trackers.sweep_trackers import Failure, SweepSummary


def log_sweep(settings: dict[str, Any], sweep: SweepSummary) -> None:
    """Log the current state of a sweep; a continued sweep updates the same run."""
    mlflow_run.prepare()
    from mlflow.tracking import MlflowClient

    with mlflow_run.exclusive_access(settings["tracking_uri"]):
        client = MlflowClient(settings["tracking_uri"])
        experiment = _experiment(client, settings)
    run = mlflow_run.parent(client, experiment, sweep.folder)
    for failure in sweep.failures:
        _end(client, experiment, run, failure)
    for key, value in {**sweep.choices, "study": sweep.folder.name}.items():
        client.set_tag(run, key, value)
    mlflow_run.log_batch(client, run, sweep.hparams, sweep.numbers(), step=len(sweep.rows))
    for path in sweep.files() if settings["upload"] else ():
        client.log_artifact(run, str(path))
    if settings["upload"] and sweep.best is not None:
        mlflow_run.log_model(client, run, *sweep.best)


def _experiment(client: Any, settings: dict[str, Any]) -> str:
    """Return the experiment's id; created here if no trial has created it."""
    found = client.get_experiment_by_name(settings["experiment"])
    return str(found.experiment_id if found else client.create_experiment(settings["experiment"]))


def _end(client: Any, experiment: str, parent: str, trial: Failure) -> None:
    """Log the failure of a trial that was killed or had no MLflow run yet."""
    known = mlflow_run.known_id(trial.folder)
    if trial.recorded and known is not None:
        return
    if known is None:
        tags = {**trial.choices, "study": trial.folder.parent.parent.name}
        tags["mlflow.parentRunId"] = parent
        run = client.create_run(experiment, run_name=trial.name, tags=tags)
        known = str(run.info.run_id)
        mlflow_run.log_batch(client, known, {**trial.choices, **trial.hparams}, {}, step=0)
        write_atomically(trial.folder / mlflow_run.KEPT, f"{known}\n")
    mlflow_run.end(client, known, trial.status, trial.reason)
