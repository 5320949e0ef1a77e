"""MLflow: a SQLite file next to the runs, or any tracking server."""

from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import MLFlowLogger

from quintet.artifacts.record import Record
from quintet.base.files import write_atomically
from quintet.trackers import media, mlflow_run
from quintet.trackers.mlflow_run import KEPT, SQLITE, exclusive_access
from quintet.trackers.run_facts import About, outcome
from quintet.trackers.tracker import Tracker, require

require("mlflow", ".[mlflow]")


class MLflow(Tracker, MLFlowLogger):
    """One MLflow run per run folder; a resumed run continues it.

    Args:
        save_dir: run folder, which stores the id of the MLflow run in `mlflow_run_id`.
        tracking_uri: URI of the store: `sqlite:///<file>`, or the address of a server.
        experiment: name of the MLflow experiment.
        artifacts: artifact folder of a SQLite store.
        upload: whether to log the best checkpoint and the report as artifacts; of a sweep, only the
            winner's.

    """

    title = "MLflow"

    def __init__(
        self,
        save_dir: str,
        tracking_uri: str,
        experiment: str = "quintet",
        artifacts: str = "",
        upload: bool = True,
    ) -> None:
        mlflow_run.prepare()
        self._folder, self._uri, self.upload = Path(save_dir), tracking_uri, upload
        local = artifacts and tracking_uri.startswith(SQLITE)
        place = Path(artifacts).absolute().as_uri() if local else None
        known = mlflow_run.known_id(self._folder)
        with exclusive_access(tracking_uri):
            super().__init__(
                experiment, tracking_uri=tracking_uri, artifact_location=place, run_id=known
            )

    def open(self, about: About) -> None:
        """Start or reopen the run; log the choices as tags and the config as parameters."""
        self._run_name = about.name
        self.tags = about.tags | ({"study": about.study} if about.study else {})
        resumed = self._run_id is not None
        with exclusive_access(self._uri):
            client: Any = self.experiment
        if resumed:
            client.update_run(self._run_id, status="RUNNING")
            return
        write_atomically(self._folder / KEPT, f"{self._run_id}\n")
        self.log_hyperparams(about.hparams)
        if about.study:
            parent = mlflow_run.parent(client, str(self._experiment_id), about.folder.parent.parent)
            client.set_tag(self._run_id, "mlflow.parentRunId", parent)

    def close(self, record: Record) -> None:
        """Log the outcome and set the run's state."""
        client: Any = self.experiment
        super().log_metrics(outcome(record), record.epochs)
        if self.about.study is None:
            self._log_files(client, record)
        mlflow_run.end(client, str(self._run_id), record.status, record.reason)

    def _log_files(self, client: Any, record: Record) -> None:
        """Log the files of a finished run; of a sweep, only the winner's are logged."""
        folder = self.about.folder
        if (found := media.confusion(folder, record)) is not None:
            client.log_text(self._run_id, found.markdown(), "confusion.md")
        for path in media.files(folder, record) if self.upload else ():
            client.log_artifact(self._run_id, str(path))
        if self.upload:
            mlflow_run.log_model(client, str(self._run_id), folder, record)
