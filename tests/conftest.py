"""Fixtures that run train.py."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("quintet.testing")

import runs  # noqa: E402
from quintet.testing.sweeps import loader as loader  # noqa: E402
from quintet.testing.sweeps import settled as settled  # noqa: E402
from runs import RunTrain, Start, TrainHere  # noqa: E402

LIST = Path(__file__).parent / "removed.txt"
REMOVED = LIST.read_text().split() if LIST.is_file() else []
"""Options that `make slim` took out of this project, as data/wine."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Skip a test that failed because what it trains on was taken out by `make slim`."""
    report: Any = yield
    if report.failed and (gone := named_as_missing(report.longreprtext)):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, f"Skipped: make slim took out {gone}")
    return report


def named_as_missing(failure: str) -> str | None:
    """Return the removed option that a failure says is not there, if that is what it says."""
    for option in REMOVED:
        group, _, name = option.partition("/")
        missing = (
            rf"Could not find '{option}'",
            rf"\b{group}={name}: there is no such option",
            rf"No such file or directory: '\S*configs/{option}\.yaml'",
        )
        if re.search("|".join(missing), failure):
            return option
    return None


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


@pytest.fixture(scope="session")
def sweeps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three sweeps of an epoch a trial: `a` and `b` over the same seeds, `grid` over two keys."""
    folder = tmp_path_factory.mktemp("sweeps")
    seeds = ("seed=0,1,2", "test=false")
    words = {
        "a": ("optimizer=adam", *seeds),
        "b": ("optimizer=sgd", *seeds),
        "grid": ("optimizer.lr=0.01,0.001", "model.dropout=0,0.1"),
    }
    for name, more in words.items():
        place = ("-m", *runs.SMALL, "trainer.max_epochs=1", f"hydra.sweep.dir={folder / name}")
        process = runs.start(runs.command(None, *place, *more))
        _, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
    return {name: folder / name for name in words}
