"""Run train.py for a test, as a process of its own, and look at what it leaves behind."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from quintet.base import hydra_internals

Start = Callable[..., "subprocess.Popen[str]"]
RunTrain = Callable[..., "subprocess.CompletedProcess[str]"]
TrainHere = Callable[..., None]
Once = Callable[[str, Callable[[Path], None]], Path]

ROOT = Path(__file__).parents[1]
SMALL = ("trainer=cpu", "data=digits", "model.width=16", "baselines=false", "report=false")
"""A run whose epoch takes 50 milliseconds."""
PATIENCE = 120.0
"""Seconds that a process is waited for: on busy cores, only one that hangs takes as long."""


def command(folder: Path | None, *overrides: str, script: str = "train") -> list[str]:
    """Return the command line of a small run in `folder`; None where `resume=` names it."""
    place = () if folder is None else (*SMALL, f"hydra.run.dir={folder}")
    return [sys.executable, str(ROOT / "src" / f"{script}.py"), *place, *overrides]


def train(folder: Path | None, *overrides: str) -> None:
    """Run train.py's command in this process."""
    from hydra._internal.hydra import Hydra

    from train import main

    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", command(folder, *overrides)[1:])
        patch.setattr("quintet.base.signals._since", None)
        patch.setattr(Hydra, "get_mode", Hydra.get_mode)
        hydra_internals.compose_once()  # it is a single run, and Hydra need not ask
        try:
            main()
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)


def environment() -> dict[str, str]:
    """Return the environment of a fresh terminal: no rank, no seed that a test left behind."""
    names = ("RANK", "WORLD_SIZE", "MASTER_", "PL_")
    kept = {k: v for k, v in os.environ.items() if not any(name in k for name in names)}
    return kept | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}


def start(arguments: list[str], **options: Any) -> subprocess.Popen[str]:
    """Start a process in a process group of its own, as a terminal does."""
    return subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **{"stderr": subprocess.PIPE, "env": environment(), **options},
    )


def wait_until(
    true: Callable[[], Any], process: subprocess.Popen[str], seconds: float = PATIENCE
) -> None:
    """Wait until something is true of a running process."""
    end = time.monotonic() + seconds
    while not true():
        assert process.poll() is None, f"ended too early:\n{process.stderr.read()}"  # type: ignore[union-attr]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def epochs(folder: Path) -> int:
    """Count the rows of a run's metrics.csv."""
    path = folder / "metrics.csv"
    return path.read_text().count("\n") - 1 if path.exists() else 0


def record(folder: Path) -> dict[str, Any]:
    """Return a run's result.json."""
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


def finished(folder: Path) -> dict[str, str]:
    """Return what must be equal of two equal runs: all of their weights, and their metrics."""
    found = {"metrics": (folder / "metrics.csv").read_text()}
    for name in ("best", "last"):
        found[name] = digest(folder / "checkpoints" / f"{name}.ckpt")
    return found


def digest(checkpoint: Path) -> str:
    """Return the SHA-1 of all tensors in a checkpoint, optimizer state and averages included."""
    sha = hashlib.sha1(usedforsecurity=False)
    _feed(torch.load(checkpoint, weights_only=True), sha)
    return sha.hexdigest()


def _feed(part: Any, sha: Any) -> None:
    if isinstance(part, torch.Tensor):
        sha.update(part.numpy().tobytes())
    elif isinstance(part, dict):
        for key in sorted(part, key=str):
            _feed(part[key], sha)
    elif isinstance(part, list | tuple):
        for item in part:
            _feed(item, sha)


def stop(process: subprocess.Popen[str]) -> None:
    """End a process and all of its group, if anything of them is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def alive(process: subprocess.Popen[str]) -> set[int]:
    """Return the processes of a started group that have not ended."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(group) == process.pid and state != "Z":
                found.add(int(stat.parent.name))
    return found


def wait_for_none_alive(process: subprocess.Popen[str], seconds: float = PATIENCE) -> None:
    """Wait until the whole group has ended."""
    end = time.monotonic() + seconds
    while alive(process):
        assert time.monotonic() < end, f"still alive: {alive(process)}"
        time.sleep(0.1)
