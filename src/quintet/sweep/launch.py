"""How a trial begins: its command line, and its share of the machine."""

import os
import shutil
from pathlib import Path

from quintet.base.errors import UserError
from quintet.base.quoting import quoted
from quintet.config import initial_config
from quintet.config.trust import LOGGER, as_override
from quintet.study.overrides import assignments
from quintet.study.trial import Trial
from quintet.sweep.plan import Plan
from quintet.sweep.trial_process import LOCK, LOG


def overrides(plan: Plan, trial: Trial, folder: Path) -> list[str]:
    """Return how a trial begins, or goes on from its checkpoints where it has some.

    Raises:
        UserError: the study has other parameters for it than the sweep's own; as overrides they
            could say anything.

    """
    if plan.space.foreign(trial.point):
        raise UserError(
            f"Trial {trial.number} of {plan.folder} has {' '.join(assignments(trial.point))}: that "
            "is outside of this sweep's space, so somebody else has written to its study. Give "
            "this sweep a study= of its own."
        )
    if _began(folder, trial) and any(folder.rglob("checkpoints/*.ckpt")):
        return [f"resume={quoted(folder)}", "hydra.mode=RUN", *as_override(_trusted(plan, folder))]
    for entry in folder.iterdir():  # of a start that came to nothing
        if entry.name not in (LOCK, LOG):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    own = [*plan.fixed, *assignments(trial.point)]
    return [*own, "test=false", "hydra.mode=RUN", f"hydra.run.dir={quoted(folder)}"]


def _began(folder: Path, trial: Trial) -> bool:
    """Tell whether a folder's run began as this trial: another's would be recorded as its own."""
    words = initial_config.words(folder)
    return words is not None and set(assignments(trial.point)) <= set(words)


def _trusted(plan: Plan, folder: Path) -> list[str]:
    """Return what a trial's folder may name: what this sweep's own configs do, trackers included.

    Trackers that differ from those were written by somebody else.
    """
    before = initial_config.read(folder).config.get(LOGGER) or {}
    return [*plan.trust, *([LOGGER] if before == plan.trackers else [])]


def environment(slot: int, slots: int) -> dict[str, str]:
    """Return a slot's share of the machine: threads, and a GPU where there are some."""
    cores = max(1, len(os.sched_getaffinity(0)) // slots)
    extra = {} if "OMP_NUM_THREADS" in os.environ else {"OMP_NUM_THREADS": str(cores)}
    if devices := gpus():
        extra["CUDA_VISIBLE_DEVICES"] = devices[slot % len(devices)]
    return extra


def gpus() -> list[str]:
    """Return the GPUs that this process may use, without loading torch; [] where there are none."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in visible.split(",") if name]
    return [str(i) for i in range(len(list(Path("/proc/driver/nvidia/gpus").glob("*"))))]
