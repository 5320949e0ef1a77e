"""MLflow's view of a sweep: the run that its trials are nested in, told what came out."""

from typing import Any

from quintet.base.files import write_atomically
from quintet.trackers import mlflow_run
from quintet.trackers.sweep_trackers import Failure, SweepSummary


def tell(settings: dict[str, Any], sweep: SweepSummary) -> None:
    """Tell MLflow of a sweep as it stands; one that has gone on updates the same run."""
    mlflow_run.prepare()
    from mlflow.tracking import MlflowClient

    with mlflow_run.alone(settings["tracking_uri"]):
        client = MlflowClient(settings["tracking_uri"])
        experiment = _experiment(client, settings)
    run = mlflow_run.parent(client, experiment, sweep.folder)
    for failure in sweep.failures:
        _end(client, experiment, run, failure)
    for key, value in {**sweep.choices, "study": sweep.folder.name}.items():
        client.set_tag(run, key, value)
    mlflow_run.tell(client, run, sweep.hparams, sweep.numbers(), step=len(sweep.rows))
    for path in sweep.files() if settings["upload"] else ():
        client.log_artifact(run, str(path))


def _experiment(client: Any, settings: dict[str, Any]) -> str:
    """Return the experiment's id; the trials have made it, unless none of them came so far."""
    found = client.get_experiment_by_name(settings["experiment"])
    return str(found.experiment_id if found else client.create_experiment(settings["experiment"]))


def _end(client: Any, experiment: str, parent: str, trial: Failure) -> None:
    """Tell why a trial failed that was killed, or that failed before it had an MLflow run."""
    known = mlflow_run.known_id(trial.folder)
    if trial.recorded and known is not None:
        return
    if known is None:
        tags = {**trial.choices, "study": trial.folder.parent.parent.name}
        tags["mlflow.parentRunId"] = parent
        run = client.create_run(experiment, run_name=trial.folder.name, tags=tags)
        known = str(run.info.run_id)
        mlflow_run.tell(client, known, {**trial.choices, **trial.hparams}, {}, step=0)
        write_atomically(trial.folder / mlflow_run.KEPT, f"{known}\n")
    mlflow_run.end(client, known, trial.status, trial.reason)
