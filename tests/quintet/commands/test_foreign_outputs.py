"""No command overwrites a file that it did not write, in whatever folder it works."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from faulty import forked
from quintet.base.errors import UserError
from quintet.config import initial_config

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")
SMALL = ["trainer=cpu", "data=breast_cancer", "model.width=8", "trainer.max_epochs=1"]
SMALL += ["callbacks.progress=null", "baselines=false"]
MINE = "mine\n"


def refused(tmp_path: Path, script: str, words: list[str], kept: Path) -> str:
    """Run a command where a foreign file is; return its message."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(MINE)
    ended = forked(tmp_path / "log", words, script=script)
    assert kept.read_text() == MINE, f"{script} has overwritten {kept.name}"
    assert ended.code == 1, (kept, ended.said)
    assert ended.said.startswith("Error: "), ended.said
    assert len(ended.said.splitlines()) == 1, ended.said
    return ended.said


@pytest.mark.parametrize("script", ["train", "check", "inspect_data"])
def test_a_command_refuses_each_file_that_it_would_overwrite(script: str, tmp_path: Path) -> None:
    first = tmp_path / "first"
    listed = tmp_path / "log.boundaries"
    said = [f"hydra.run.dir={first}"]
    ended = forked(tmp_path / "log", [*SMALL, *said], script=script, fault=f"list:{listed}")
    assert ended.code == 0, ended.said
    written = {Path(line.split(" ", 1)[1]) for line in listed.read_text().splitlines()}
    names = sorted(str(path.relative_to(first)) for path in written)
    assert len(names) >= 4
    for number, name in enumerate(names):
        folder = tmp_path / f"{number}"
        said = refused(tmp_path, script, [*SMALL, f"hydra.run.dir={folder}"], folder / name)
        assert "Move it away" in said or "hydra.run.dir" in said or "Restore it" in said


@pytest.mark.parametrize("name", ["ensemble.json", "folds/1/notes.txt"])
def test_a_run_over_folds_begins_on_no_files_of_another(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    refused(tmp_path, "train", [*SMALL, "cv.folds=2", f"hydra.run.dir={folder}"], folder / name)


@pytest.mark.parametrize("name", ["leaderboard.csv", "best/thesis.txt", "ensemble/notes.txt"])
def test_a_sweep_begins_on_no_files_of_another(name: str, tmp_path: Path) -> None:
    words = ["-m", *SMALL, "seed=1,2", f"hydra.sweep.dir={tmp_path}/sweep"]
    said = refused(tmp_path, "train", words, tmp_path / "sweep" / name)
    assert "hydra.sweep.dir" in said
    assert not (tmp_path / "sweep/trials").exists()


def test_another_programs_beginning_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / ".hydra").mkdir(parents=True)
    theirs = {"config": "seed: 1\nmodel: {}\n", "hydra": "hydra: {}\n", "overrides": "[]\n"}
    for name, text in theirs.items():
        (folder / f".hydra/{name}.yaml").write_text(text)
    ended = forked(tmp_path / "log", [*SMALL, f"hydra.run.dir={folder}"])
    assert ended.code == 1
    assert "belongs to another program" in ended.said
    for name, text in theirs.items():
        assert (folder / f".hydra/{name}.yaml").read_text() == text


@pytest.mark.parametrize(
    ("script", "name"),
    [("evaluate", "evaluation.json"), ("report", "report.html"), ("export", "export/model.pt2")],
)
def test_what_looks_at_a_run_overwrites_no_file_of_another(
    script: str, name: str, digits_run: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(digits_run, run)
    said = refused(tmp_path, script, [f"run={run}"], run / name)
    assert ("overwrite=true" in said) == (script != "evaluate")


def test_what_a_command_wrote_itself_it_writes_again(digits_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(digits_run, run)
    for _ in range(2):
        assert forked(tmp_path / "log", [f"run={run}"], script="evaluate").code == 0
        assert forked(tmp_path / "log", [f"run={run}"], script="report").code == 0
        words = [*SMALL, f"hydra.run.dir={tmp_path}/check"]
        assert forked(tmp_path / "log", words, script="inspect_data").code == 0
        ended = forked(tmp_path / "log", [*words, "apply=true"], script="check")
        shutil.rmtree(tmp_path / "check" / "checkpoints")
        for name in ("config.yaml", "metrics.csv", "predictions.npz", "report.html"):
            (tmp_path / "check" / name).unlink()
        assert ended.code == 0, ended.said
    assert json.loads((run / "evaluation.json").read_text()).keys() == {"val", "test"}
    (run / "report.html").write_text(MINE)
    words = [f"run={run}", "overwrite=true"]
    assert forked(tmp_path / "log", words, script="report").code == 0
    assert (run / "report.html").read_text() != MINE


def test_of_a_large_file_in_its_place_only_the_beginning_is_read(tmp_path: Path) -> None:
    (tmp_path / ".hydra").mkdir()
    with (tmp_path / ".hydra/config.yaml").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UserError, match="belongs to another program"):
        initial_config.check_free(tmp_path)
