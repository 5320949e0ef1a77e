"""Folds and seeds of a run, trained as one batched model and then finished one by one."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from quintet.artifacts.record import CONFIG
from quintet.base import console
from quintet.base.formatting import listed
from quintet.config.initial_config import Composed
from quintet.study.trial_pipe import is_trial
from quintet.training.stackable import AUTO, obstacle

SAMPLES, PARAMETERS = 64 << 20, 1_000_000
"""Limits of auto: bytes of all parts' samples, and parameters of a model. Stacks of larger ones
need much memory and save little time."""


class NoSweep:
    """Replaces the connection to a sweep: no run is stopped, and the reason for a rerun is kept."""

    def __init__(self) -> None:
        self.reason: str | None = None

    def send_metric(self, epoch: int, value: float | None, objectives: Mapping[str, float]) -> None:
        """Do nothing."""

    def receive_decision(self) -> bool:
        """Return False: the run continues."""
        return False

    def send_exit(self, code: int) -> None:
        """Do nothing: the run's folder has the outcome."""

    def send_rerun(self, reason: str) -> None:
        """Keep the reason why the run trains alone."""
        self.reason = reason


def train(runs: Mapping[str, DictConfig], stack: int | str, data: Any) -> None:
    """Train new runs together where possible; print why where it is not.

    Each is left as if interrupted after its last epoch, so that the code that continues runs also
    evaluates and records these, and a kill costs no more than it would for a run alone.

    Args:
        runs: config of each run by folder name.
        stack: `cv.stack`: maximum number of runs in a stack; auto for all, if they are small.
        data: of the first run, loaded.

    """
    new = [name for name, cfg in runs.items() if not (Path(cfg.paths.run) / CONFIG).is_file()]
    limit, max_parameters = (len(runs), PARAMETERS) if stack == AUTO else (int(stack), None)
    if is_trial() or min(limit, len(new)) < 2:
        return
    reason = obstacle(runs[new[0]])
    if stack == AUTO and size_in_bytes(data) * len(new) > SAMPLES:
        reason = reason or "their samples are many"
    for start in range(0, len(new), limit):
        names = new[start : start + limit]
        reason = reason or _train({name: runs[name] for name in names}, max_parameters)
    if reason is not None:
        console.say("  one after another: {}", reason)


def size_in_bytes(data: Any) -> int:
    """Return the size of a data module's samples in memory, in bytes; 0 if it has none there."""
    splits: Mapping[str, Any] = getattr(data, "splits", {})
    return sum(x.nbytes for x, _ in splits.values() if hasattr(x, "nbytes"))


def _train(runs: Mapping[str, DictConfig], max_parameters: int | None) -> str | None:
    """Train runs together; return why one of them could not be stacked.

    Args:
        runs: config of each run by folder name.
        max_parameters: maximum number of parameters of a model; None for no limit.

    """
    from quintet.training import stacked_run  # here, since it imports torch

    console.say("  {} train as one batched model", listed([*runs]))
    connections = [NoSweep() for _ in runs]
    composed = [Composed(deepcopy(cfg), lambda: None) for cfg in runs.values()]
    with console.muted():
        stacked_run.train(composed, connections, evaluate_later=True, max_parameters=max_parameters)
    return next(
        (connection.reason for connection in connections if connection.reason is not None), None
    )
