"""How a trial is started: its command line, and its share of the machine."""

import os
import shutil
from pathlib import Path

from quintet.artifacts import untrusted_files
from quintet.base.errors import Code, UserError
from quintet.base.quoting import quoted
from quintet.config import initial_config
from quintet.config.trust import LOGGER, as_override
from quintet.study.overrides import assignments
from quintet.study.trial import Trial
from quintet.sweep.plan import Plan
from quintet.sweep.trial_process import LOCK, LOG


def overrides(plan: Plan, trial: Trial, folder: Path) -> list[str]:
    """Return the overrides that start a trial, or resume it if it has checkpoints.

    Raises:
        UserError: its params in the study are not of the sweep's space; as overrides they could
            change anything. Or its folder is a link.

    """
    if plan.space.invalid_keys(trial.params):
        raise UserError(
            f"Trial {trial.number} of {plan.folder} has {' '.join(assignments(trial.params))}, "
            "which is outside this sweep's space, so another program has written to its study",
            code=Code.NOT_TRUSTED,
            hint="Give this sweep its own study=",
        )
    check_place(folder)
    if resumes(trial, folder):
        return [f"resume={quoted(folder)}", "hydra.mode=RUN", *as_override(_trusted(plan, folder))]
    clear(folder)
    own = [*plan.fixed, *assignments(trial.params)]
    return [*own, "test=false", "hydra.mode=RUN", f"hydra.run.dir={quoted(folder)}"]


def check_place(folder: Path) -> None:
    """Refuse a trial's folder that was made a link since the sweep began.

    Raises:
        DamagedError: whoever starts there would empty a folder elsewhere.

    """
    for place in (folder.parent, folder):
        if place.is_symlink():
            untrusted_files.refuse(place, "is a link, and trials are made in the sweep's folder")


def clear(folder: Path, *kept: str) -> None:
    """Remove what a start that failed has left in a trial's folder; links are not followed."""
    for entry in folder.iterdir():
        if entry.name not in (LOCK, LOG, *kept):
            links = entry.is_symlink() or not entry.is_dir()
            entry.unlink() if links else shutil.rmtree(entry)


def resumes(trial: Trial, folder: Path) -> bool:
    """Return whether a trial has checkpoints to resume from."""
    return _is_of(folder, trial) and any(folder.rglob("checkpoints/*.ckpt"))


def _is_of(folder: Path, trial: Trial) -> bool:
    """Return whether the run in a folder was started as this trial, and not as another one."""
    typed = initial_config.words(folder)
    return typed is not None and set(assignments(trial.params)) <= set(typed)


def _trusted(plan: Plan, folder: Path) -> list[str]:
    """Return what a trial's folder may import: what this sweep's own configs do, with trackers.

    Trackers that differ from the sweep's were written by another program.
    """
    before = initial_config.read(folder).config.get(LOGGER) or {}
    return [*plan.trust, *([LOGGER] if before == plan.trackers else [])]


def environment(slot: int, slots: int) -> dict[str, str]:
    """Return a slot's share of the machine: threads, and a GPU if there are any."""
    cores = max(1, len(os.sched_getaffinity(0)) // slots)
    extra = {} if "OMP_NUM_THREADS" in os.environ else {"OMP_NUM_THREADS": str(cores)}
    if devices := gpus():
        extra["CUDA_VISIBLE_DEVICES"] = devices[slot % len(devices)]
    return extra


def gpus() -> list[str]:
    """Return the GPUs that this process may use, without importing torch; [] if there are none."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in visible.split(",") if name]
    return [str(i) for i in range(len(list(Path("/proc/driver/nvidia/gpus").glob("*"))))]
