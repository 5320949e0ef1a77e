"""Logging of whole sweeps to trackers, by the parent process, without torch or Lightning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from quintet.artifacts.record import REPORT, Record
from quintet.base import console
from quintet.base.secrets import redact
from quintet.trackers import media, run_names

BOARD = "leaderboard.csv"
ADAPTERS = {
    "quintet.trackers.wandb.WandB": "quintet.trackers.sweep_wandb",
    "quintet.trackers.mlflow.MLflow": "quintet.trackers.sweep_mlflow",
    "quintet.trackers.tensorboard.TensorBoard": "quintet.trackers.sweep_tensorboard",
}
"""Modules whose function `log_sweep` logs a sweep to a tracker."""


@dataclass(frozen=True)
class Failure:
    """A trial that failed.

    Args:
        folder: folder of the trial.
        status: status in result.json; "failed" if there is none.
        reason: reason of the failure.
        choices: option chosen in each group.
        hparams: varied hyperparameters, as `optimizer/lr`.
        recorded: whether the trial wrote its result.json, and thus logged its own end.

    """

    folder: Path
    status: str
    reason: str
    choices: Mapping[str, str]
    hparams: Mapping[str, str]
    recorded: bool

    @property
    def name(self) -> str:
        """The name that the trial gives its own run."""
        params = {key.replace("/", "."): value for key, value in self.hparams.items()}
        return run_names.of_trial(self.folder, params)


@dataclass(frozen=True)
class SweepSummary:
    """The current state of a sweep.

    Args:
        folder: folder of the sweep, named after the study.
        choices: option of each group that does not vary.
        space: search space, as text.
        metric: name of the primary metric.
        mode: direction of the metric, max or min.
        rows: rows of leaderboard.csv, the best first.
        failures: trials that failed.
        best: run folder and record of the winner; None if there is none yet.

    """

    folder: Path
    choices: Mapping[str, str]
    space: Mapping[str, str]
    metric: str
    mode: str
    rows: Sequence[Mapping[str, Any]]
    failures: Sequence[Failure]
    best: tuple[Path, Record] | None

    @property
    def hparams(self) -> dict[str, str]:
        """Hyperparameters of the sweep: choices, direction of the metric, and search space."""
        space = {f"space/{key.replace('.', '/')}": text for key, text in self.space.items()}
        return {**self.choices, "metric/mode": self.mode, **space}

    def files(self) -> list[Path]:
        """Return the files to upload: leaderboard, report and best checkpoint."""
        own = [path for name in (BOARD, REPORT) if (path := self.folder / name).is_file()]
        winners = media.files(*self.best) if self.best is not None else []
        return [*own, *(path for path in winners if path.name != REPORT)]

    def numbers(self) -> dict[str, float]:
        """Return the outcome: trials by state, total epochs and seconds, and scores."""
        totals: dict[str, float] = {"trials": len(self.rows)}
        for row in self.rows:
            key = f"trials/{row['state']}"
            totals[key] = totals.get(key, 0) + 1
        for name in ("epochs", "seconds"):
            totals[name] = round(sum(row[name] for row in self.rows), 3)
        values = [row for row in self.rows if row["value"] is not None]
        if values and self.best is not None:
            totals |= {"best/trial": values[0]["trial"], f"best/{self.metric}": values[0]["value"]}
            totals |= {f"test/{name}": value for name, value in self.best[1].test.items()}
        return totals


def log_sweep(loggers: Mapping[str, Any], sweep: SweepSummary) -> None:
    """Log a sweep to every tracker that supports it; warn on failure.

    Args:
        loggers: the `logger` node of the config.
        sweep: current state of the sweep; logged again when the sweep continues.

    """
    for node in loggers.values():
        if node is None or node.get("_target_") not in ADAPTERS:
            continue
        try:
            settings = {k: node[k] for k in node if k not in ("_target_", "save_dir")}
            import_module(ADAPTERS[node["_target_"]]).log_sweep(settings, sweep)
        except Exception as error:
            first = next(iter(redact(str(error)).strip().splitlines()), "")
            name = node["_target_"].rpartition(".")[2]
            console.warn(f"The sweep could not be logged to {name}: {first}")
