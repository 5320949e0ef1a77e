"""MLflow: a SQLite file beside the runs, or any tracking server."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import MLFlowLogger

from quintet.loggers.about import About, outcome
from quintet.loggers.tracker import Tracker, require
from quintet.record import Record

require("mlflow", ".[mlflow]")

STATES = {"completed": "FINISHED", "pruned": "KILLED", "interrupted": "KILLED"}
SQLITE = "sqlite:///"
KEPT = "mlflow_run_id"
# A server that is away is noticed in seconds, not in MLflow's many minutes; no usage statistics.
DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


class MLflow(Tracker, MLFlowLogger):
    """One MLflow run a run folder; resumed, it goes on in the same one.

    Args:
        save_dir: the run folder, which keeps the MLflow run's id in `mlflow_run_id`.
        tracking_uri: of the store: `sqlite:///<file>`, or the address of a server.
        experiment: the name of the MLflow experiment.
        artifacts: the folder that a SQLite store names for artifacts.

    """

    title = "MLflow"

    def __init__(
        self, save_dir: str, tracking_uri: str, experiment: str = "quintet", artifacts: str = ""
    ) -> None:
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        self._kept = Path(save_dir) / KEPT
        self._store = Path(tracking_uri.removeprefix(SQLITE))
        self._local = tracking_uri.startswith(SQLITE)
        place = Path(artifacts).absolute().as_uri() if artifacts and self._local else None
        with self._alone():
            super().__init__(
                experiment, tracking_uri=tracking_uri, artifact_location=place, run_id=self._known()
            )

    def _known(self) -> str | None:
        return self._kept.read_text().strip() if self._kept.is_file() else None

    def open(self, about: About) -> None:
        """Start or reopen the run, with the choices as tags and the config as parameters."""
        self._run_name = about.name
        self.tags = dict(about.choices) | ({"study": about.study} if about.study else {})
        resumed = self._run_id is not None
        with self._alone():
            client = self.experiment
        if resumed:
            client.update_run(self._run_id, status="RUNNING")
            return
        self._kept.write_text(f"{self._run_id}\n")
        self.log_hyperparams(about.hparams)
        if about.study:
            parent = self._parent(client, about.folder.parent.parent)
            client.set_tag(self._run_id, "mlflow.parentRunId", parent)

    def _parent(self, client: Any, study: Path) -> str:
        """Return the run that a study's trials are nested in; the first of them makes it."""
        kept = study / KEPT
        with locked(study / ".mlflow.lock"):
            if not kept.is_file():
                run = client.create_run(self._experiment_id, run_name=study.name)
                client.set_terminated(run.info.run_id, "FINISHED")
                kept.write_text(f"{run.info.run_id}\n")
        return kept.read_text().strip()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time make the tables of a new SQLite file."""
        if not self._local:
            yield
            return
        self._store.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._store.with_suffix(".lock")):
            yield

    def close(self, record: Record) -> None:
        """Tell the outcome and the run's state."""
        client: Any = self.experiment
        super().log_metrics(outcome(record), record.epochs)
        client.set_tag(self._run_id, "status", record.status)
        if record.reason:
            client.set_tag(self._run_id, "reason", record.reason[:500])
        client.set_terminated(self._run_id, STATES.get(record.status, "FAILED"))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; the system lets it go with the process."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
