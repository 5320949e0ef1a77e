"""A sweep that is killed as it writes what it leaves at its end, and run again."""

import csv
import shutil
import signal
import sys
from collections import Counter

import pytest

from faulty import forked
from quintet.artifacts.record import RESULT, Record

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")
WORDS = ("-m", "trainer=cpu", "data=breast_cancer", "model.width=8", "trainer.max_epochs=1")
WORDS += ("seed=1,2", "baselines=false")


@pytest.mark.slow
def test_what_a_sweep_leaves_is_there_after_a_kill_at_each(tmp_path):
    words = [*WORDS, f"hydra.sweep.dir={tmp_path}/sweep"]
    before = {}
    for where in ("best/result.json", "sweep/leaderboard.csv", "sweep/report.html"):
        ended = forked(tmp_path / "log", words, fault=f"kill:2:{where}")
        assert ended.code == -signal.SIGKILL, (where, ended.said)
        trained = {path: path.stat().st_mtime_ns for path in tmp_path.glob(f"*/trials/*/{RESULT}")}
        assert before.items() <= trained.items(), "a trial was lost or repeated"
        before = trained
    assert forked(tmp_path / "log", words).code == 0
    with (tmp_path / "sweep/leaderboard.csv").open() as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["completed"] * 2
    assert Record.read(tmp_path / "sweep/best").test
    assert (tmp_path / "sweep/report.html").stat().st_size > 1000
    assert not list(tmp_path.rglob("*.part"))


def left(folder):
    """Return what a sweep leaves: its rows, the winner's record, and the names of all files."""
    record = Record.read(folder / "best")
    with (folder / "leaderboard.csv").open() as file:
        rows = [(row["trial"], row["state"], row["value"]) for row in csv.DictReader(file)]
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return rows, record.metric, record.test, record.baselines, record.anomalies, files


@pytest.mark.soak
def test_what_a_sweep_leaves_is_there_after_a_kill_at_any_of_its_last_writes(tmp_path):
    """From its last trial's end on; of evaluate.py, which tests the winner, every write as well."""
    ready, log, listed = tmp_path / "ready", tmp_path / "log", tmp_path / "boundaries"
    words = [*WORDS, "report=false"]
    ended = forked(log, [*words, f"hydra.sweep.dir={ready}"], fault="kill:1:/leaderboard.csv")
    assert ended.code == -signal.SIGKILL, ended.said
    whole = shutil.copytree(ready, tmp_path / "whole")
    ended = forked(log, [*words, f"hydra.sweep.dir={whole}"], fault=f"list:{listed}")
    assert ended.code == 0, ended.said
    passed, kills = Counter(), 0
    for line in filter(lambda line: f"{whole}/" in line, listed.read_text().splitlines()):
        name = line.split(f"{whole}/", 1)[1]
        passed[name] += 1
        folder = shutil.copytree(ready, tmp_path / f"{sum(passed.values())}")
        mine = [*words, f"hydra.sweep.dir={folder}"]
        ended = forked(log, mine, fault=f"kill:{passed[name]}:{folder}/{name}")
        if ended.code == 0:  # evaluate.py was killed, and its sweep says so
            assert any("the test failed" in each for each in left(folder)[4])
            continue
        assert ended.code == -signal.SIGKILL, (line, ended.said)
        assert forked(log, mine).code == 0
        assert left(folder) == left(whole), line
        kills += 1
    assert kills > 20
    print(f"{kills} kills")
