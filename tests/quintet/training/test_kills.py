"""A run that is killed at any of its writes, or whose disk fails there, can be continued."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import runs
from faulty import boundaries, forked
from quintet.artifacts import checkpoints
from quintet.artifacts.record import Record
from quintet.base.console import command_line
from quintet.base.files import SUFFIX
from usual import usual

SMALL = (
    "trainer=cpu",
    "data=diabetes",
    "model.width=8",
    "callbacks.progress=null",
    "baselines=false",
    "report=false",
)
RUNS = {
    "one": (*SMALL, "trainer.max_epochs=2"),
    "folds": (*SMALL, "trainer.max_epochs=1", "cv.folds=3"),
    "seeds": (*SMALL, "trainer.max_epochs=1", "cv.seeds=2"),
}
KEY = {
    "one": (
        "before .hydra/config.yaml",
        "whole config.yaml",
        "after metrics.csv",
        "before checkpoints/last.ckpt",
        "before predictions.npz",
    ),
    "folds": (
        "before folds/1/config.yaml",
        "before folds/2/checkpoints/last.ckpt",
        "before ensemble.json",
    ),
    "seeds": ("before seeds/43/config.yaml", "before result.json"),
}
"""Where the quick suite kills: the last time that a run passes this."""


@dataclass(frozen=True)
class Whole:
    """An uninterrupted run: its kind, its folder, and the boundaries that it passed."""

    kind: str
    folder: Path
    passed: list[str]

    @property
    def words(self) -> list[str]:
        return list(RUNS[self.kind])

    def last(self, boundary: str) -> int:
        """Return when a boundary was passed for the last time, from 1."""
        return max(at for at, each in enumerate(self.passed, 1) if each == boundary)


@pytest.fixture(scope="module", params=usual([*RUNS], "one"))
def whole(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    place = tmp_path_factory.mktemp("whole")
    folder = place / "run"
    passed = boundaries(place / "log", [*RUNS[request.param], f"hydra.run.dir={folder}"])
    return Whole(request.param, folder, [line.replace(f"{folder}/", "") for line in passed])


def results(folder: Path) -> dict[str, Any]:
    """Return what must be the same of two equal runs."""
    record = Record.read(folder)
    found: dict[str, Any] = {
        "status": record.status,
        "P": record.metric.value,
        "test": record.test,
        "repeats": record.repeats,
        "spread": record.spread,
        "epochs": record.epochs,
        "files": {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()},
    }
    for checkpoint in folder.rglob("*.ckpt"):
        found[str(checkpoint.relative_to(folder))] = runs.digest(checkpoint)
    return found


def continue_and_compare(whole: Whole, folder: Path) -> None:
    """Continue with what the user would type, and compare."""
    ended = forked(log := folder.with_suffix(".log"), [f"resume={folder}"])
    if ended.code:
        assert "Start it again with " in ended.said
        ended = forked(log, [*whole.words, f"hydra.run.dir={folder}"])
    assert ended.code == 0, ended.said
    assert results(folder) == results(whole.folder)


def killed(whole: Whole, folder: Path, at: int) -> None:
    words = [*whole.words, f"hydra.run.dir={folder}"]
    ended = forked(folder.with_suffix(".log"), words, fault=f"kill:{at}")
    assert ended.code == -signal.SIGKILL, ended.said
    continue_and_compare(whole, folder)


def test_a_run_killed_at_one_of_its_writes_continues(whole: Whole, tmp_path: Path) -> None:
    for number, boundary in enumerate(KEY[whole.kind]):
        killed(whole, tmp_path / f"{number}", whole.last(boundary))


def test_killed_between_the_two_checkpoints_of_the_last_epoch(tmp_path: Path) -> None:
    """Nothing trains any more, so no later write would bring last.ckpt up to date."""
    words, whole, cut = [*RUNS["one"]], tmp_path / "whole", tmp_path / "cut"
    passed = boundaries(tmp_path / "log", [*words, f"hydra.run.dir={whole}"])
    best, last = f"after {whole}/checkpoints/best.ckpt", f"before {whole}/checkpoints/last.ckpt"
    at = max(i for i, each in enumerate(passed, 1) if each == last)
    assert passed[at - 2] == best
    killed_here = forked(tmp_path / "log", [*words, f"hydra.run.dir={cut}"], fault=f"kill:{at}")
    assert killed_here.code == -signal.SIGKILL
    epochs = [checkpoints.load(cut / f"checkpoints/{n}.ckpt")["epoch"] for n in ("best", "last")]
    assert epochs == [1, 0]
    assert forked(tmp_path / "log", [f"resume={cut}"]).code == 0
    assert checkpoints.load(cut / "checkpoints/last.ckpt")["epoch"] == 1
    assert results(cut) == results(whole)


@pytest.mark.slow
def test_a_run_killed_at_any_of_its_writes_continues(whole: Whole, tmp_path: Path) -> None:
    for at in range(1, len(whole.passed) + 1):
        killed(whole, tmp_path / f"{at}", at)


def failed(whole: Whole, folder: Path, fault: str) -> None:
    """Let a disk fail: one message, nothing half-written, and the run can be continued."""
    words = [*whole.words, f"hydra.run.dir={folder}"]
    ended = forked(folder.with_suffix(".log"), words, fault=fault)
    assert ended.code == 1, ended.said
    assert ended.said.count("Error: ") == 1
    assert "Traceback" not in ended.said
    assert ("no space left" if "ENOSPC" in fault else "Input/output error") in ended.said
    assert not [*folder.rglob("*.part")]
    continue_and_compare(whole, folder)


FAILS = {
    "one": ("whole config.yaml", "before checkpoints/last.ckpt"),
    "folds": ("before folds/1/config.yaml",),
    "seeds": ("before result.json",),
}


@pytest.mark.parametrize("fault", usual(["ENOSPC:{}+", "EIO:{}"], "ENOSPC:{}+"))
def test_a_disk_that_fails_ends_a_run_with_one_message(
    fault: str, whole: Whole, tmp_path: Path
) -> None:
    for number, boundary in enumerate(FAILS[whole.kind]):
        failed(whole, tmp_path / f"{number}", fault.format(whole.last(boundary)))


@pytest.mark.soak
@pytest.mark.parametrize("fault", ["ENOSPC:{}+", "EIO:{}"])
def test_a_disk_that_fails_at_any_write_ends_a_run_with_one_message(
    fault: str, whole: Whole, tmp_path: Path
) -> None:
    for at, boundary in enumerate(whole.passed, 1):
        if "EIO" not in fault or "predictions.npz" not in boundary:  # a run can do without these
            failed(whole, tmp_path / f"{at}", fault.format(at))


def test_every_file_of_a_run_is_written_through_the_file_layer(
    whole: Whole, tmp_path: Path
) -> None:
    """All that the interpreter opens for writing there; Hydra's own log is not of the run."""
    opened = os.open(tmp_path / "opened", os.O_WRONLY | os.O_CREAT)
    folder = tmp_path / "run"

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        ours = event == "open" and str(arguments[0]).startswith(str(folder))
        if ours and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            os.write(opened, f"{arguments[0]}\n".encode())

    words = [*whole.words, f"hydra.run.dir={folder}"]
    forked(tmp_path / "log", words, first=lambda: sys.addaudithook(note))
    lines = (tmp_path / "opened").read_text().splitlines()
    written = {Path(line).relative_to(folder) for line in lines}
    announced = {Path(line.split(" ", 1)[1]) for line in whole.passed}
    parts = {path for path in written if path.suffix == SUFFIX}
    assert written - parts == {Path("train.log")}
    assert {p.with_name(p.name[1:].rsplit(".", 2)[0]) for p in parts} == announced


def test_a_torn_beginning_is_answered_with_the_command_to_start_again(tmp_path: Path) -> None:
    """As Hydra itself left it, which wrote these files in earlier versions."""
    folder = tmp_path / "run"
    (folder / ".hydra").mkdir(parents=True)
    for torn in ("config.yaml", "hydra.yaml"):
        (folder / ".hydra" / torn).touch()
        ended = forked(tmp_path / "log", [f"resume={folder}"])
        assert ended.code == 1
        assert ended.said.startswith(f"Error: resume={folder} cannot be resumed: the run was")
        assert "with its original command" in ended.said
    typed = ["model=cnn", "data.path='a b'"]
    (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(typed))
    said = forked(tmp_path / "log", [f"resume={folder}"]).said
    command = command_line("train", *typed, f"hydra.run.dir={folder}")
    assert f"Start it again with `{command}`" in said
    evil = [*typed, "+callbacks.x={_target_:os.system}", "hydra.launcher.setup=[id]"]
    (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(evil))
    said = forked(tmp_path / "log", [f"resume={folder}"]).said
    assert f"Start it again with `{command}`\nLeft out" in said
