"""Fixtures that run train.py."""

import contextlib
import fcntl
import gc
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

if platform.machine() == "x86_64":  # the same sums whatever a machine's vectors are; before torch
    os.environ.setdefault("ATEN_CPU_CAPABILITY", "avx2")
pytest.register_assert_rewrite("quintet.testing")

import runs  # noqa: E402
import warm  # noqa: E402
from needs import needed  # noqa: E402
from quintet.base import hydra_internals, paths  # noqa: E402
from quintet.testing.sweep_contract import loader as loader  # noqa: E402
from quintet.testing.sweep_contract import settled as settled  # noqa: E402
from runs import Once, RunTrain, Start, TrainHere  # noqa: E402

SEARCHED = paths.SEARCHED
LIST = Path(__file__).parent / "removed.txt"
REMOVED = LIST.read_text().split() if LIST.is_file() else []
"""Options that `make slim` removed from this project, such as data/wine."""


def pytest_configure() -> None:
    """Let processes that tests start be interrupted, however pytest was started."""
    warm.restore_signals()
    hydra_internals.compose_fast()  # as every command does


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that need options removed by `make slim`."""
    if not REMOVED:
        return
    for item in items:
        if isinstance(item, pytest.Function) and (gone := needed(item, REMOVED)):
            item.add_marker(pytest.mark.skip(f"make slim took out {', '.join(gone)}"))


def pytest_collection_finish() -> None:
    """Exclude from garbage collection what is kept to the end: half a million library objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _scripts_start_warm() -> Iterator[None]:
    """Fork Python scripts from a warm interpreter; `@pytest.mark.cold` starts fresh ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", warm.Popen)
        patch.setattr(os, "fsync", warm.skip_fsync)
        yield


@pytest.fixture(autouse=True)
def _configs_of_other_folders_are_forgotten() -> Iterator[None]:
    """Undo what `hydra.searchpath=` in a command that a test calls adds to this process."""
    yield
    paths.SEARCHED = SEARCHED


@pytest.fixture(autouse=True)
def _cold_where_marked(request: pytest.FixtureRequest) -> Iterator[None]:
    marked = request.node.get_closest_marker("cold")
    with warm.cold() if marked else contextlib.nullcontext():
        yield


@pytest.fixture
def start_train() -> Iterator[Start]:
    """Start train.py: `start_train(folder, *overrides)`; end what still runs afterwards."""
    started = []

    def start(folder: Path | None, *overrides: str, **options: Any) -> "subprocess.Popen[str]":
        started.append(runs.start(runs.command(folder, *overrides), **options))
        return started[-1]

    yield start
    for process in started:
        runs.stop(process)


@pytest.fixture
def run_train(start_train: Start) -> RunTrain:
    """Run train.py: `run_train(folder, *overrides, check=True)`."""

    def run(
        folder: Path | None, *overrides: str, check: bool = True, **options: Any
    ) -> "subprocess.CompletedProcess[str]":
        process = start_train(folder, *overrides, **options)
        out, err = process.communicate(timeout=runs.PATIENCE)
        assert not check or process.returncode == 0, err
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run


@pytest.fixture
def train_here() -> TrainHere:
    """Run train.py's command in this process: `train_here(folder, *overrides)`."""
    return runs.train


@pytest.fixture(scope="session")
def once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Create a folder once for all workers of the suite: `once(name, make)`. Tests only read it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder, done = shared / "once" / name, shared / "once" / f"{name}.done"
        folder.parent.mkdir(exist_ok=True)
        with done.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of one that failed half-way
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def digits_run(once: Once) -> Path:
    """A run of two epochs on digits."""
    words = ("trainer.max_epochs=2", "callbacks.progress=null")
    return once("digits_run", lambda folder: runs.train(folder / "run", *words)) / "run"


@pytest.fixture(scope="session")
def sweeps(once: Once) -> dict[str, Path]:
    """Three sweeps, one epoch a trial: `a` and `b` over the same seeds, `grid` over two keys."""
    seeds = ("seed=0,1,2", "test=false")
    words = {
        "a": ("optimizer=adam", *seeds),
        "b": ("optimizer=sgd", *seeds),
        "grid": ("optimizer.lr=0.01,0.001", "model.dropout=0,0.1"),
    }

    def make(folder: Path) -> None:
        for name, more in words.items():
            place = ("-m", *runs.SMALL, "trainer.max_epochs=1", f"hydra.sweep.dir={folder / name}")
            process = runs.start(runs.command(None, *place, *more))
            _, err = process.communicate(timeout=240)
            assert process.returncode == 0, err

    folder = once("sweeps", make)
    return {name: folder / name for name in words}
