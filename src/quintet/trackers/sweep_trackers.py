"""What the trackers are told of a whole sweep, by its parent: neither torch nor Lightning here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from quintet.artifacts.record import REPORT, Record
from quintet.base import console
from quintet.base.secrets import redact
from quintet.trackers import media

BOARD = "leaderboard.csv"
TELLERS = {
    "quintet.trackers.wandb.WandB": "quintet.trackers.sweep_wandb",
    "quintet.trackers.mlflow.MLflow": "quintet.trackers.sweep_mlflow",
    "quintet.trackers.tensorboard.TensorBoard": "quintet.trackers.sweep_tensorboard",
}
"""Which module tells a tracker of a sweep, in its function `tell`."""


@dataclass(frozen=True)
class Failure:
    """A trial that failed.

    Args:
        folder: of the trial.
        status: of result.json, or failed where it left none.
        reason: why.
        choices: the option chosen in each group.
        hparams: what varied, as `optimizer/lr`.
        recorded: whether it lived to write its result.json, and so to tell its trackers.

    """

    folder: Path
    status: str
    reason: str
    choices: Mapping[str, str]
    hparams: Mapping[str, str]
    recorded: bool


@dataclass(frozen=True)
class SweepSummary:
    """A sweep as it stands.

    Args:
        folder: of the sweep, named as the study.
        choices: the option of each group that did not vary.
        space: what varies, as text.
        metric: P's name.
        mode: P's direction, max or min.
        rows: of leaderboard.csv, the best first.
        failures: the trials that failed.
        best: the winner's run folder and record; None where there is none yet.

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
        """The sweep's own columns: choices, P's direction, and what varies."""
        space = {f"space/{key.replace('.', '/')}": text for key, text in self.space.items()}
        return {**self.choices, "metric/mode": self.mode, **space}

    def files(self) -> list[Path]:
        """Return what is worth keeping elsewhere: leaderboard, page and the best checkpoint."""
        own = [path for name in (BOARD, REPORT) if (path := self.folder / name).is_file()]
        winners = media.files(*self.best) if self.best is not None else []
        return [*own, *(path for path in winners if path.name != REPORT)]

    def numbers(self) -> dict[str, float]:
        """Return what came out: trials by state, epochs and seconds of all, P and test scores."""
        told: dict[str, float] = {"trials": len(self.rows)}
        for row in self.rows:
            key = f"trials/{row['state']}"
            told[key] = told.get(key, 0) + 1
        for name in ("epochs", "seconds"):
            told[name] = round(sum(row[name] for row in self.rows), 3)
        values = [row for row in self.rows if row["value"] is not None]
        if values and self.best is not None:
            told |= {"best/trial": values[0]["trial"], f"best/{self.metric}": values[0]["value"]}
            told |= {f"test/{name}": value for name, value in self.best[1].test.items()}
        return told


def tell(loggers: Mapping[str, Any], sweep: SweepSummary) -> None:
    """Tell every tracker that has a place for a sweep; one that fails costs a warning.

    Args:
        loggers: the config's `logger` node.
        sweep: as it stands; told again when it has gone on.

    """
    for node in loggers.values():
        if node is None or node.get("_target_") not in TELLERS:
            continue
        try:
            settings = {k: node[k] for k in node if k not in ("_target_", "save_dir")}
            import_module(TELLERS[node["_target_"]]).tell(settings, sweep)
        except Exception as error:
            first = next(iter(redact(str(error)).strip().splitlines()), "")
            name = node["_target_"].rpartition(".")[2]
            console.warn(f"{name} was not told of the sweep as a whole: {first}")
