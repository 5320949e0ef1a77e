"""What a run leaves behind: result.json, typed and versioned."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from quintet.files import write_atomically

Status = Literal["completed", "pruned", "diverged", "failed", "interrupted"]
RESULT = "result.json"
CONFIG = "config.yaml"
REPORT = "report.html"
ENSEMBLE = "ensemble.json"
"""Lists the models of a folder that has several; see `quintet.members`."""


@dataclass
class Score:
    """P on the validation split."""

    name: str
    mode: Literal["min", "max"]
    value: float | None = None


@dataclass
class Record:
    """The outcome of one run, written to `result.json` in its folder.

    Times are in seconds, paths relative to the run folder.
    """

    metric: Score
    seed: int
    status: Status = "failed"
    reason: str | None = None
    loss: float | None = None
    """C of the best checkpoint on the validation split."""
    test: dict[str, float] = field(default_factory=dict)
    checkpoint: str | None = None
    """Whose weights P, loss and test are of; ensemble.json of a run over folds or seeds."""
    best_epoch: int | None = None
    """The epoch, from 1, after which that checkpoint was written; None of several models."""
    choices: dict[str, str | None] = field(default_factory=dict)
    overrides: list[str] = field(default_factory=list)
    epochs: int = 0
    sessions: int = 0
    """How often training began: once, and once more for every time that it was resumed."""
    parameters: int = 0
    layers: dict[str, int] = field(default_factory=dict)
    """Parameters of every layer that has some, by its name and type."""
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of the run's process in all sessions, and of those that it started and that have ended."""
    environment: dict[str, Any] = field(default_factory=dict)
    anomalies: list[str] = field(default_factory=list)
    transfer: dict[str, Any] = field(default_factory=dict)
    """What was loaded of `weights`, skipped and why, left `fresh` and `frozen`; rates by layer."""
    repeats: dict[str, float] = field(default_factory=dict)
    """P of the run of each fold and seed, by its folder; empty for a single run. `metric.value` is
    then their mean, `epochs` their sum, and `checkpoint` lists them."""
    spread: dict[str, float] = field(default_factory=dict)
    """Standard deviation of P over folds (seeds, where there are no folds), and the standard error
    of the mean that follows from it."""
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    """P of simple models, by split (val, test)."""
    steering: list[dict[str, Any]] = field(default_factory=list)
    """What was asked of the run while it trained, and what became of it; see `steering.Change`."""
    guess: float | None = None
    """Validation loss of a model that knows nothing."""
    diagnosis: list[str] = field(default_factory=list)
    """What the curves say, and what to do; empty where all is well."""
    version: int = 1

    def write(self, folder: Path) -> None:
        """Replace the folder's result.json in one step, so that no reader sees half of it."""
        write_atomically(folder / RESULT, json.dumps(asdict(self), indent=2) + "\n")

    def goes_on(self) -> "Record":
        """Return what is true of a run that has ended and goes on: it is not over."""
        reason = "It was resumed, and that session was stopped without a word."
        return replace(self, status="interrupted", reason=reason)

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Return the record of a run folder.

        Raises:
            FileNotFoundError: the run has not ended.

        """
        fields = json.loads((folder / RESULT).read_text())
        return cls(**{**fields, "metric": Score(**fields["metric"])})


def voters(members: Mapping[str, int]) -> str:
    """Return which trials an ensemble of a sweep's averages, and by how many votes.

    Args:
        members: votes by folder, such as members/0007 or members/0007/folds/0.

    """
    votes = {int(Path(name).parts[1]): count for name, count in members.items()}
    if len(votes) == 1:
        return f"trial {next(iter(votes))} alone"
    each = [f"{trial} (x{count})" if count > 1 else f"{trial}" for trial, count in votes.items()]
    return f"trials {', '.join(each[:-1])} and {each[-1]}"
