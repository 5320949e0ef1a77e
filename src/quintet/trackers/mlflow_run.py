"""Access to single MLflow runs, without Lightning."""

import fcntl
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from quintet.artifacts import untrusted_files
from quintet.base.files import write_atomically
from quintet.base.secrets import redact

STATES = {"completed": "FINISHED", "pruned": "KILLED", "interrupted": "KILLED"}
"""MLflow's state by a run's status; FAILED for every other."""
SQLITE = "sqlite:///"
KEPT = "mlflow_run_id"
# An unreachable server fails in seconds instead of MLflow's minutes; no usage statistics.
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
        DamagedError: the file is not as `write_atomically` left it.

    """
    if not untrusted_files.has(folder, KEPT):
        return None
    text = untrusted_files.read_text(folder, KEPT).strip()
    return untrusted_files.identifier(text, folder / KEPT)


def parent(client: Any, experiment: str, study: Path) -> str:
    """Return the parent run of a study's trials; the first caller creates it.

    It is marked as finished from the start, as a killed sweep could not end it.
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


@contextmanager
def alone(uri: str) -> Iterator[None]:
    """Let one process at a time create the tables of a new SQLite file."""
    if not uri.startswith(SQLITE):
        yield
        return
    store = Path(uri.removeprefix(SQLITE))
    store.parent.mkdir(parents=True, exist_ok=True)
    with locked(store.with_suffix(".lock")):
        yield


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; the system releases it with the process."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
