"""The injected faults that other tests rely on occur where specified."""

import errno
import os
import signal
from pathlib import Path

import pytest

from quintet.base import fault_injection
from quintet.base.errors import UserError
from quintet.base.files import append, write_atomically


def in_a_child(act: object) -> int:
    """Return how a forked process ended that did `act`: an exit code, negative for a signal."""
    if (pid := os.fork()) == 0:
        act()  # type: ignore[operator]
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def left(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize(("at", "text"), [(1, "old"), (2, "old"), (3, "new")])
def test_a_replaced_file_is_the_old_or_the_new_one_after_a_kill(
    at: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    monkeypatch.setenv(fault_injection.VARIABLE, f"kill:{at}")
    assert in_a_child(lambda: write_atomically(path, "new")) == -signal.SIGKILL
    assert path.read_text() == text
    temporary = [name for name in left(tmp_path) if name.endswith(".part")]
    assert len(temporary) == (at == 2)


@pytest.mark.parametrize(("at", "after"), [(1, "old"), (2, "old"), (3, "new")])
@pytest.mark.parametrize("name", ["ENOSPC", "EIO"])
def test_a_failing_write_is_one_message_and_leaves_nothing_half_written(
    name: str, at: int, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    monkeypatch.setenv(fault_injection.VARIABLE, f"{name}:{at}")
    said = "no space left" if name == "ENOSPC" else os.strerror(errno.EIO)
    with pytest.raises(UserError, match=said):
        write_atomically(path, "new")
    assert left(tmp_path) == {"a.txt": after}
    write_atomically(path, "new")  # it struck once


def test_a_disk_may_stay_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(fault_injection.VARIABLE, "ENOSPC:4+")
    write_atomically(tmp_path / "first", "")
    for _ in range(2):
        with pytest.raises(UserError):
            write_atomically(tmp_path / "second", "")


def test_only_chosen_paths_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(fault_injection.VARIABLE, "EIO:2:wanted")
    write_atomically(tmp_path / "other", "")
    with pytest.raises(UserError):
        append(tmp_path / "wanted", "written, and then refused\n")
    assert left(tmp_path) == {"other": "", "wanted": "written, and then refused\n"}


def test_boundaries_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(fault_injection.VARIABLE, f"list:{tmp_path / 'list'}")
    write_atomically(tmp_path / "a", "")
    append(tmp_path / "b", "")
    listed = [line.split(" ")[0] for line in (tmp_path / "list").read_text().splitlines()]
    assert listed == ["before", "whole", "after", "before", "after"]
