"""No command overwrites what it was given or what it did not write itself."""

import os
from pathlib import Path

import pytest

from quintet.artifacts.output_paths import begins, check, check_run_folder
from quintet.artifacts.record import RESULT, Record, Score
from quintet.base.errors import Code, UserError
from refusals import Refusal


def ours(path: Path) -> bool:
    return begins(path, "sample,")


@pytest.fixture
def given(tmp_path: Path) -> Path:
    path = tmp_path / "given.csv"
    path.write_text("sample,x\n")
    return path


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("spelt", ["same", "relative", "dots", "link", "hard link", "folder"])
def test_an_input_is_not_an_output(
    spelt: str, overwrite: bool, given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    output = {"relative": Path("given.csv"), "dots": tmp_path / "x" / ".." / "given.csv"}.get(spelt)
    (tmp_path / "x").mkdir()
    source = given
    if spelt in ("link", "hard link"):
        output = tmp_path / "other.csv"
        output.symlink_to(given) if spelt == "link" else os.link(given, output)
    if spelt == "folder":
        (tmp_path / "x" / "picture.png").write_text("png")
        source, output = tmp_path / "x", tmp_path / "x" / "picture.png"
    with Refusal(Code.CONFLICT, "output"):
        check(output or given, {"input": source}, ours, overwrite=overwrite)


def test_a_new_file_and_our_own_are_written(given: Path, tmp_path: Path) -> None:
    check(tmp_path / "new.csv", {"input": given}, ours)
    (tmp_path / "old.csv").write_text("sample,prediction\n")
    check(tmp_path / "old.csv", {"input": given}, ours)


@pytest.mark.parametrize("kind", ["file", "link", "dangling link", "folder"])
def test_what_stands_there_is_replaced_only_when_told(kind: str, tmp_path: Path) -> None:
    output, target = tmp_path / "out", tmp_path / "target"
    if kind == "folder":
        output.mkdir()
    elif kind == "file":
        output.write_text("name,phone\n")
    else:
        output.symlink_to(target)
        target.write_text("sample,") if kind == "link" else None
    with Refusal(Code.EXISTS, "output"):
        check(output, {}, ours)
    check(output, {}, ours, overwrite=True)


@pytest.mark.parametrize("name", ["metrics.csv", "predictions.npz", "report.html", RESULT])
def test_a_run_does_not_begin_on_files_of_another(name: str, tmp_path: Path) -> None:
    check_run_folder(tmp_path)
    (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match=name):
        check_run_folder(tmp_path)


def test_a_run_begins_where_one_failed_before_it_had_a_config(tmp_path: Path) -> None:
    Record(Score("accuracy", "max"), seed=0).write(tmp_path)
    check_run_folder(tmp_path)
