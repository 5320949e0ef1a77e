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
from quintet.training.stackable import AUTO, hindered

SAMPLES, PARAMETERS = 64 << 20, 1_000_000
"""Bytes of the samples of all parts, and parameters of a model, up to which parts train together
by themselves: of larger ones a stack needs much memory, and its steps save little."""


class NoSweep:
    """Stands in for the line to a sweep: nothing stops a run, and why one is alone is noted."""

    def __init__(self) -> None:
        self.reason: str | None = None

    def ask(self, epoch: int, value: float | None, objectives: Mapping[str, float]) -> None:
        """Report nothing."""

    def hear(self) -> bool:
        """Return that the run goes on."""
        return False

    def leave(self, code: int) -> None:
        """Do nothing: the run's folder tells."""

    def alone(self, reason: str) -> None:
        """Note why the run trains by itself."""
        self.reason = reason


def train(runs: Mapping[str, DictConfig], stack: int | str, data: Any) -> None:
    """Train new runs together as far as possible; say why if it is not.

    Each is left as if it had been interrupted after its last epoch, so that whatever continues a
    run also evaluates and records these, and a kill at any time costs what it would of a run alone.

    Args:
        runs: the config of each by folder name.
        stack: `cv.stack`: how many train together at most; auto for all, if they are small.
        data: of the first, loaded.

    """
    new = [name for name, cfg in runs.items() if not (Path(cfg.paths.run) / CONFIG).is_file()]
    most, largest = (len(runs), PARAMETERS) if stack == AUTO else (int(stack), None)
    if is_trial() or min(most, len(new)) < 2:
        return
    reason = hindered(runs[new[0]])
    if stack == AUTO and bytes_of(data) * len(new) > SAMPLES:
        reason = reason or "their samples are many"
    for start in range(0, len(new), most):
        names = new[start : start + most]
        reason = reason or _train({name: runs[name] for name in names}, largest)
    if reason is not None:
        console.say("  one after another: {}", reason)


def bytes_of(data: Any) -> int:
    """Return the bytes of a data module's samples in memory; 0 if it has none there."""
    splits: Mapping[str, Any] = getattr(data, "splits", {})
    return sum(x.nbytes for x, _ in splits.values() if hasattr(x, "nbytes"))


def _train(runs: Mapping[str, DictConfig], largest: int | None) -> str | None:
    """Train runs together; return why one of them could not be.

    Args:
        runs: the config of each by folder name.
        largest: number of parameters of a model; None for any.

    """
    from quintet.training import stacked_run  # here: with torch

    console.say("  {} train as one batched model", listed([*runs]))
    lines = [NoSweep() for _ in runs]
    composed = [Composed(deepcopy(cfg), lambda: None) for cfg in runs.values()]
    with console.muted():
        stacked_run.train(composed, lines, to_go_on=True, largest=largest)
    return next((line.reason for line in lines if line.reason is not None), None)
