"""Fixtures that run train.py."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import runs
from runs import RunTrain, Start, TrainHere


@pytest.fixture
def start_train() -> Iterator[Start]:
    """Start train.py: `start_train(folder, *overrides)`; whatever still runs is ended."""
    started = []

    def start(folder: Path | None, *overrides: str, **options: Any) -> "subprocess.Popen[str]":
        started.append(runs.start(runs.command(folder, *overrides), **options))
        return started[-1]

    yield start
    for process in started:
        runs.stop(process)


@pytest.fixture
def run_train(start_train: Start) -> RunTrain:
    """Run train.py to its end: `run_train(folder, *overrides, check=True)`."""

    def run(
        folder: Path | None, *overrides: str, check: bool = True, **options: Any
    ) -> "subprocess.CompletedProcess[str]":
        process = start_train(folder, *overrides, **options)
        out, err = process.communicate(timeout=120)
        assert not check or process.returncode == 0, err
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run


@pytest.fixture
def train_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainHere]:
    """Run train.py's command in this process: `train_here(folder, *overrides)`."""
    from train import main

    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def train(folder: Path | None, *overrides: str) -> None:
        monkeypatch.setattr(sys, "argv", runs.command(folder, *overrides)[1:])
        monkeypatch.setattr("quintet.signals._since", None)
        main()

    yield train
    for number, handler in kept.items():
        signal.signal(number, handler)
