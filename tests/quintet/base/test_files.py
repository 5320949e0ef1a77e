import os
from pathlib import Path

import pytest

from quintet.base.errors import Code, UserError
from quintet.base.files import append, copy_folder, write_atomically


def test_the_text_is_written(tmp_path):
    write_atomically(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_failed_write_leaves_the_old_text_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError) as refused:
        write_atomically(path, "new")
    assert refused.value.code is Code.DISK
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_is_copied_once_whatever_links_it_holds(tmp_path):
    """Two links to itself would be followed 2^40 times."""
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "checkpoints").mkdir(parents=True)
    (source / "checkpoints/best.ckpt").write_text("weights")
    (source / "checkpoints/last.ckpt").symlink_to("best.ckpt")
    (source / "output.log").touch()
    for name in ("a", "b"):
        (source / name).symlink_to(".")
    copy_folder(source, target, "*.log")
    found = {str(p.relative_to(target)) for p in target.rglob("*")}
    assert found == {"checkpoints", "checkpoints/best.ckpt", "checkpoints/last.ckpt"}
    assert (target / "checkpoints/last.ckpt").read_text() == "weights"


def test_a_link_is_not_appended_to(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "link").symlink_to("kept")
    with pytest.raises(UserError, match="symbolic links"):
        append(tmp_path / "link", "more")
    assert (tmp_path / "kept").read_text() == "kept"
