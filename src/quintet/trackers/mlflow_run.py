"""Access to single MLflow runs, without Lightning."""

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from quintet.artifacts import untrusted_files
from quintet.artifacts.record import CONFIG, RESULT, Record
from quintet.base.files import copy, write_atomically
from quintet.base.secrets import redact

STATES = {"completed": "FINISHED", "pruned": "KILLED", "interrupted": "KILLED"}
"""MLflow's state for each status of a run; FAILED for all others."""
SQLITE = "sqlite:///"
KEPT = "mlflow_run_id"
MODEL = "model"
"""Name of a run's logged model, as in `runs:/<id>/model`."""
LOADER = "quintet.commands.mlflow_model"
"""Module with which MLflow loads the model."""
NEEDED = ("mlflow", "torch", "lightning")
# Fail on an unreachable server within seconds instead of minutes; send no usage statistics.
DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


def prepare() -> None:
    """Set quiet logging and short timeouts; must be called before MLflow is imported."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def known_id(folder: Path) -> str | None:
    """Return the id of the MLflow run that a folder already has.

    Raises:
        DamagedError: the file does not contain an id.

    """
    if not untrusted_files.has(folder, KEPT):
        return None
    text = untrusted_files.read_text(folder, KEPT).strip()
    return untrusted_files.identifier(text, folder / KEPT)


def parent(client: Any, experiment: str, study: Path) -> str:
    """Return the parent run of a study's trials; the first caller creates it.

    It is marked as finished from the start, since a killed sweep could not end it.
    """
    with locked(study / ".mlflow.lock"):
        if (known := known_id(study)) is None:
            known = str(client.create_run(experiment, run_name=study.name).info.run_id)
            client.set_terminated(known, "FINISHED")
            write_atomically(study / KEPT, f"{known}\n")
    return known


def end(client: Any, run: str, status: str, reason: str | None) -> None:
    """Set the final state of a run."""
    client.set_tag(run, "status", status)
    if reason:
        client.set_tag(run, "reason", redact(reason)[:500])
    client.set_terminated(run, STATES.get(status, "FAILED"))


def log_batch(
    client: Any, run: str, params: Mapping[str, Any], numbers: Mapping[str, float], step: int
) -> None:
    """Log parameters and metrics in one request."""
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    metrics = [Metric(key, float(value), now, step) for key, value in numbers.items()]
    client.log_batch(
        run, metrics, [Param(key, redact(str(value))[:250]) for key, value in params.items()]
    )


def log_model(client: Any, run: str, folder: Path, record: Record) -> None:
    """Log the best checkpoint as a model: `mlflow.pyfunc.load_model("runs:/<run>/model")`.

    Its predictions equal those of predict.py. It contains the files that rebuild the run, and no
    pickles.
    """
    from mlflow import pyfunc
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    checkpoint = record.checkpoint or ""
    if not checkpoint.endswith(".ckpt"):  # several models, each with its own checkpoint
        return
    experiment = client.get_run(run).info.experiment_id
    logged = client.create_logged_model(experiment, name=MODEL, source_run_id=run)
    about = Model(
        logged.artifact_location, run, model_uuid=logged.model_id, model_id=logged.model_id
    )
    needed = [f"{name}=={version(name)}" for name in NEEDED]
    with tempfile.TemporaryDirectory() as place:
        kept, path = Path(place) / folder.name, Path(place) / MODEL
        for name in filter(partial(untrusted_files.has, folder), (CONFIG, RESULT, checkpoint)):
            (kept / name).parent.mkdir(parents=True, exist_ok=True)
            copy(folder / name, kept / name)
        pyfunc.save_model(path, LOADER, str(kept), mlflow_model=about, pip_requirements=needed)
        client.log_model_artifacts(logged.model_id, str(path))
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    client.log_outputs(run, [LoggedModelOutput(logged.model_id, step=record.epochs)])


@contextmanager
def alone(uri: str) -> Iterator[None]:
    """Serialize the creation of tables in a new SQLite file across processes."""
    if not uri.startswith(SQLITE):
        yield
        return
    store = Path(uri.removeprefix(SQLITE))
    store.parent.mkdir(parents=True, exist_ok=True)
    with locked(store.with_suffix(".lock")):
        yield


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file, which the system releases when the process ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
