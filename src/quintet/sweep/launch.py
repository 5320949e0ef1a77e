"""How a trial begins: its command line, and its share of the machine."""

import os
import shutil
from pathlib import Path

from quintet import begun
from quintet.quoting import quoted
from quintet.sweep.plan import Plan
from quintet.sweep.process import LOCK, LOG
from quintet.sweep.study import Trial
from quintet.sweep.words import assignments


def overrides(plan: Plan, trial: Trial, folder: Path) -> list[str]:
    """Return how a trial begins, or goes on from its checkpoints where it has some."""
    if _began(folder, trial) and any(folder.rglob("checkpoints/*.ckpt")):
        return [f"resume={quoted(folder)}", "hydra.mode=RUN"]
    for entry in folder.iterdir():  # of a start that came to nothing
        if entry.name not in (LOCK, LOG):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    own = [*plan.fixed, *assignments(trial.point)]
    return [*own, "test=false", "hydra.mode=RUN", f"hydra.run.dir={quoted(folder)}"]


def _began(folder: Path, trial: Trial) -> bool:
    """Tell whether a folder's run began as this trial: another's would be recorded as its own."""
    words = begun.words(folder)
    return words is not None and set(assignments(trial.point)) <= set(words)


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
