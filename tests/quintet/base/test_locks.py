"""Locks and logs at paths prepared by others: nothing is waited for, and no link is followed."""

import os
from pathlib import Path

import pytest

from quintet.base import files, locks


def test_a_lock_is_held_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    assert not locks.is_held(path)
    descriptor = locks.take(path)
    assert descriptor is not None
    assert locks.is_held(path)
    assert locks.take(path) is None
    os.close(descriptor)
    assert not locks.is_held(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".lock")
    assert not locks.is_held(tmp_path / ".lock")
    with pytest.raises(OSError, match="No such device"):
        files.open_to_append(tmp_path / ".lock")


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "link").symlink_to("kept")
    for opened in (locks.take, files.open_to_append):
        with pytest.raises(OSError, match="symbolic links"):
            opened(tmp_path / "link")  # type: ignore[operator]
    assert (tmp_path / "kept").read_text() == "kept"
