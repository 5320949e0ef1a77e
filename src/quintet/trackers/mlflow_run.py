"""Access to single MLflow runs, without Lightning."""

import hashlib
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
from quintet.base import locks
from quintet.base.files import copy, write_atomically
from quintet.base.secrets import redact

STATES = {"completed": "FINISHED", "pruned": "KILLED", "interrupted": "KILLED"}
"""MLflow's state by a run's status; FAILED for every other."""
SQLITE = "sqlite:///"
KEPT = "mlflow_run_id"
MODEL = "model"
"""Name of the logged model of a run, in `runs:/<id>/model`."""
CHECKPOINT = "checkpoint_sha256"
"""Tag of a logged model: the digest of its checkpoint."""
LOADER = "quintet.commands.mlflow_model"
"""The module with which MLflow loads it."""
NEEDED = ("mlflow", "torch", "lightning")
# Fail within seconds, not minutes, if the server is unreachable; send no usage statistics.
DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


def prepare() -> None:
    """Set quiet logging and short timeouts; call before MLflow is imported."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def known_id(folder: Path) -> str | None:
    """Return the id of the MLflow run that a folder already holds.

    Raises:
        DamagedError: the file does not contain an id.

    """
    if not untrusted_files.has(folder, KEPT):
        return None
    text = untrusted_files.read_text(folder, KEPT).strip()
    return untrusted_files.identifier(text, folder / KEPT)


def parent(client: Any, experiment: str, study: Path) -> str:
    """Return the parent run of a study's trials; the first caller creates it.

    It is marked as finished at once, since a killed sweep could not do so later.
    """
    with locks.held(study / ".mlflow.lock"):
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

    It returns the predictions that predict.py writes. It contains the files needed to rebuild the
    run, and no pickle. Each checkpoint is logged once, however often its run is continued.
    """
    from mlflow import pyfunc
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    checkpoint = record.checkpoint or ""
    if not checkpoint.endswith(".ckpt"):  # several models, each with its own
        return
    experiment = client.get_run(run).info.experiment_id
    made_from = _digest(folder / checkpoint)
    if _has_model(client, experiment, run, made_from):
        return
    logged = client.create_logged_model(
        experiment, name=MODEL, source_run_id=run, tags={CHECKPOINT: made_from}
    )
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


def _has_model(client: Any, experiment: str, run: str, made_from: str) -> bool:
    wanted = f"name = '{MODEL}' AND tags.{CHECKPOINT} = '{made_from}'"
    found = client.search_logged_models([experiment], filter_string=wanted)
    return any(each.source_run_id == run and each.status == "READY" for each in found)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def exclusive_access(uri: str) -> Iterator[None]:
    """Let one process at a time create the tables of a new SQLite file."""
    if not uri.startswith(SQLITE):
        yield
        return
    store = Path(uri.removeprefix(SQLITE))
    store.parent.mkdir(parents=True, exist_ok=True)
    with locks.held(store.with_suffix(".lock")):
        yield
