"""Weights & Biases: online, or offline in the run folder for a later `wandb sync`."""

from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers import WandbLogger

from quintet.artifacts.record import Record
from quintet.diagnostics import training_curves
from quintet.trackers import media, wandb_media
from quintet.trackers.run_facts import About, outcome
from quintet.trackers.tracker import Tracker, require
from quintet.trackers.wandb_run import Identity, Mode, Place, release, staged, start

require("wandb", ".")

FAILED = {"failed", "diverged", "interrupted"}


class WandB(Tracker, WandbLogger):
    """One W&B run per run folder; a resumed run continues it.

    It never prompts: without a key or network, the run is recorded offline. Under `wandb agent` it
    is the agent's run.

    Args:
        save_dir: run folder; W&B's files are written to its `wandb/`.
        project: project at W&B.
        entity: user or team at W&B; null for the key's owner.
        mode: online, offline or disabled.
        group: group of runs; null: in a sweep, the study.
        job_type: null: `train`, or `trial` in a sweep.
        tags: tags in addition to those of the choices.
        notes: text shown with the run.
        upload: whether to log the best checkpoint and the report as artifacts; of a sweep, only the
            winner's.
        timeout: seconds allowed for W&B to start, and again to finish.

    """

    title = "W&B"

    def __init__(
        self,
        save_dir: str,
        project: str = "quintet",
        entity: str | None = None,
        mode: Mode = "online",
        group: str | None = None,
        job_type: str | None = None,
        tags: list[str] | None = None,
        notes: str | None = None,
        upload: bool = True,
        timeout: float = 20.0,
    ) -> None:
        super().__init__(save_dir=save_dir, project=project)
        self.place = Place(project, entity, mode, group, job_type, tags or [], notes, timeout)
        self.upload = upload

    def open(self, about: About) -> None:
        """Start the run, with the config and the direction of the metric."""
        run = self._experiment = start(
            self.place,
            Identity(
                folder=about.folder,
                name=about.name,
                job_type="trial" if about.study else "train",
                group=about.study,
                tags=[f"{group}={name}" for group, name in about.tags.items()],
                config=about.hparams,
            ),
        )
        run.define_metric("epoch", hidden=True)
        run.define_metric("*", step_metric="epoch")
        run.define_metric("step/*", step_metric="trainer/global_step")
        run.define_metric(about.metric, step_metric="epoch", summary=about.mode)
        run.define_metric("val/loss", step_metric="epoch", summary="min")

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log one row; W&B merges the rows of one step."""
        self.attempt(self._log, {**metrics, "trainer/global_step": step}, step)

    def _log(self, row: dict[str, Any], step: int | None) -> None:
        self.experiment.log(row, step=step)

    def close(self, record: Record) -> None:
        """Write the outcome to the summary and mark the run as finished or failed.

        W&B has no state for pruned runs: they are marked by a tag and the `status` in the summary.
        """
        run = self.experiment
        if self.about.study is None and record.checkpoint:
            with staged(self.about.folder):
                self._log_charts(run, record)
        if record.status != "completed":
            run.tags = (*run.tags, record.status)
        run.summary.update({**outcome(record), "status": record.status, "reason": record.reason})
        run.finish(exit_code=int(record.status in FAILED))

    def _log_charts(self, run: Any, record: Record) -> None:
        """Log the charts of a finished run; of a sweep, only the winner's are logged."""
        folder, metric = self.about.folder, self.about.metric.removeprefix("val/")
        rows = training_curves.read(folder / "metrics.csv")
        charts = {f"charts/{name}": wandb_media.curve(rows, name) for name in ("loss", metric)}
        if (found := media.confusion(folder, record)) is not None:
            charts["charts/confusion"] = wandb_media.matrix(found)
        run.log(charts)
        if self.upload:
            wandb_media.keep(run, media.files(folder, record), outcome(record))

    def end(self, record: Record) -> None:
        """Log the outcome; if W&B's process has died, release it without a traceback."""
        super().end(record)
        if self.lost:
            release()
