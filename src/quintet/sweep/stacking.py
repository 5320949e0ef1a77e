"""Which trials of a sweep can train as one batched model, and how that process is started."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quintet.base import paths
from quintet.study.overrides import root_of
from quintet.study.space import Space
from quintet.study.trial import Trial
from quintet.sweep import launch
from quintet.sweep.fork import Server
from quintet.sweep.plan import Plan
from quintet.sweep.trial_process import Process, Start
from quintet.training.stackable import AUTO, obstacle

DEFAULT_WIDTH = 32
"""Default number of trials in a stack; more gain little on a CPU."""
MAX_WIDTH = 64
"""Maximum: a request to the fork server carries three open files of each."""
NUMERIC_GROUPS = ("optimizer", "scheduler", "init", "loss", "seed")
"""Keys whose values may differ within a stack ..."""
NUMERIC_KEYS = ("model.dropout", "data.order_seed", "callbacks.early_stopping.patience")
"""... and those of other groups."""
CHILD = "quintet.sweep.stacked_trials"


@dataclass
class Stacking:
    """Starts trials that can be stacked.

    Args:
        plan: of the sweep.
        server: that forks the sweep's trials.
        width: maximum number of trials of a stack.

    """

    plan: Plan
    server: Server
    width: int

    def kind(self, trial: Trial, folder: Path) -> tuple[Any, ...] | None:
        """Return the params that the trials of a stack share; None if this one runs alone."""
        if launch.resumes(trial, folder) or not self.server.forks():
            return None
        return tuple((key, value) for key, value in trial.params.items() if not may_differ(key))

    def start(
        self, claims: Sequence[tuple[Trial, int]], folders: Sequence[Path], slot: int, slots: int
    ) -> list[Process]:
        """Start claimed trials in one process."""
        trials = [
            {"number": trial.number, "folder": str(folder), "params": trial.params}
            for (trial, _), folder in zip(claims, folders, strict=True)
        ]
        request = {"trials": trials, "fixed": self.plan.fixed, "script": self.plan.command[1]}
        command = [self.plan.command[0], "-m", CHILD, json.dumps(request)]
        places = [(f, t.number, lock) for f, (t, lock) in zip(folders, claims, strict=True)]
        return self.server.start_together(command, places, launch.environment(slot, slots))


def may_differ(key: str) -> bool:
    """Return whether trials of a stack may differ in a key.

    Examples:
        >>> may_differ("optimizer.lr"), may_differ("model.width"), may_differ("seed")
        (True, False, True)

    """
    bare = key.lstrip("+")
    return root_of(bare) in NUMERIC_GROUPS or bare in NUMERIC_KEYS


def shared_keys(space: Space) -> list[str]:
    """Return the keys of a space that are the same in all trials of a stack."""
    return [parameter.key for parameter in space.parameters if not may_differ(parameter.key)]


def width(plan: Plan, total: int) -> int:
    """Return how many trials of a sweep may train together; 1 if `sweeper.stack=1`."""
    asked = plan.settings.stack
    share = max(1, math.ceil(total / plan.settings.slots))
    return int(min(MAX_WIDTH, share, DEFAULT_WIDTH if asked == AUTO else asked))


def sweep_obstacle(plan: Plan) -> str | None:
    """Return why no trial of a sweep can be stacked; None if some may be."""
    if plan.settings.isolation != "fork":
        return "sweeper.isolation=process starts a process for each trial"
    if Path(plan.command[1]).resolve() != (paths.SCRIPTS / "train.py").resolve():
        return "trials run a script of their own"
    if any(word.startswith("--config-dir") for word in plan.command):
        return "--config-dir is used"
    found = (obstacle(example.config) for example in plan.examples)
    return next(filter(None, found), None)


def stacking(plan: Plan, start: Start, total: int) -> tuple[Stacking | None, str | None]:
    """Return how trials of a sweep are stacked, or why they are not.

    Args:
        plan: of the sweep, with its examples.
        start: of the sweep's trials.
        total: number of trials.

    """
    if (most := width(plan, total)) == 1:
        return None, None
    server = getattr(start, "__self__", None)
    if not isinstance(server, Server):
        return None, "trials are not forked here"
    reason = sweep_obstacle(plan)
    return (None, reason) if reason else (Stacking(plan, server, most), None)
