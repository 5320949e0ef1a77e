"""Weights & Biases: online, or offline in the run folder for `wandb sync` later."""

import netrc
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from lightning.pytorch.loggers import WandbLogger
from rich.markup import escape

from quintet import console
from quintet.loggers.about import About, outcome
from quintet.loggers.tracker import Tracker, require
from quintet.record import Record

require("wandb", ".")

FAILED = {"failed", "diverged", "interrupted"}


class WandB(Tracker, WandbLogger):
    """One W&B run a run folder; resumed, it goes on in the same one.

    It never asks for anything: without a key or a network the run is recorded offline.

    Args:
        save_dir: the run folder; W&B's files go to `wandb/` in it.
        project: at W&B.
        entity: user or team at W&B; null is the key's own.
        mode: online, offline or disabled.
        group: of runs; null is the study, in a sweep.
        job_type: null is `train`, or `trial` in a sweep.
        tags: beside those of the choices.
        notes: shown beside the run.
        timeout: seconds that W&B may take to start, and again to finish.

    """

    title = "W&B"

    def __init__(
        self,
        save_dir: str,
        project: str = "quintet",
        entity: str | None = None,
        mode: Literal["online", "offline", "disabled"] = "online",
        group: str | None = None,
        job_type: str | None = None,
        tags: list[str] | None = None,
        notes: str | None = None,
        timeout: float = 20.0,
    ) -> None:
        super().__init__(save_dir=save_dir, project=project, entity=entity, notes=notes)
        self.mode, self.timeout = mode, timeout
        self.group, self.job_type, self.tags = group, job_type, tags or []

    def open(self, about: About) -> None:
        """Start the run, with the config as columns and P's direction."""
        run = self._experiment = self._start(about)
        run.define_metric("epoch", hidden=True)
        run.define_metric("*", step_metric="epoch")
        run.define_metric(about.metric, step_metric="epoch", summary=about.mode)
        run.define_metric("val/loss", step_metric="epoch", summary="min")
        if run.settings.mode == "online" and run.url:
            console.say(f"W&B       {run.url}")

    def _start(self, about: About) -> Any:
        import wandb

        os.environ.setdefault("WANDB_SILENT", "true")  # W&B prints before it reads its settings
        settings = self._settings()
        common: dict[str, Any] = {
            **self._wandb_init,
            "id": known_id(about.folder) or uuid.uuid4().hex[:8],
            "name": about.name,
            "group": self.group or about.study,
            "job_type": self.job_type or ("trial" if about.study else "train"),
            "tags": [
                *(f"{group}={name}"[:64] for group, name in about.choices.items()),
                *self.tags,
            ],
            "config": about.hparams,
            "reinit": "create_new",
            "settings": settings,
        }
        if self.mode != "online":
            return wandb.init(**common, mode=self.mode)
        if not has_key(wandb.setup().settings.base_url):
            return self._start_offline(common, "no API key (WANDB_API_KEY or `wandb login`)")
        try:
            return wandb.init(**common, mode="online")
        except Exception as error:
            let_go()  # the failed start still holds the run's id
            return self._start_offline(common, str(error).strip().splitlines()[0])

    def _start_offline(self, common: dict[str, Any], why: str) -> Any:
        import wandb

        run = wandb.init(**common, mode="offline")
        line = f"W&B offline: {why}. Upload later: wandb sync {run.settings.sync_dir}"
        console.say(escape(line))
        return run

    def _settings(self) -> Any:
        import wandb

        return wandb.Settings(
            silent=True,
            console="off",
            init_timeout=self.timeout,
            login_timeout=1,
            finish_timeout=self.timeout,
            # Metadata would hold the command line, and with it a secret that was typed there.
            x_disable_meta=True,
            save_code=False,
        )

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Tell one row; the rows of one step, as an epoch's training and validation, are one."""
        self.attempt(self._log, {**metrics, "trainer/global_step": step}, step)

    def _log(self, row: dict[str, Any], step: int | None) -> None:
        self.experiment.log(row, step=step)

    def close(self, record: Record) -> None:
        """Put the outcome into the summary, and finish the run as finished or failed."""
        self.experiment.summary.update(
            {**outcome(record), "status": record.status, "reason": record.reason}
        )
        self.experiment.finish(exit_code=int(record.status in FAILED))

    def end(self, record: Record) -> None:
        """Tell the outcome; where W&B's process has died, let go of it without its traceback."""
        super().end(record)
        if self.lost:
            let_go()


def let_go() -> None:
    """End W&B's own process, or forget it where it is dead."""
    import wandb

    with suppress(Exception):
        wandb.teardown(exit_code=1)


def known_id(folder: Path) -> str | None:
    """Return the id of the W&B run that a run folder already holds."""
    stem = next((path.stem for path in folder.glob("wandb/*run-*/run-*.wandb")), None)
    return stem and stem.removeprefix("run-")


def has_key(server: str) -> bool:
    """Tell whether W&B would find a key, so that it never has to ask for one."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    path = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    try:
        return netrc.netrc(path).authenticators(urlsplit(server).netloc) is not None
    except (OSError, netrc.NetrcParseError):
        return False
