"""A sweep that is killed as it writes what it leaves at its end, and run again."""

import csv
import signal
import sys

import pytest

from faulty import forked
from quintet.artifacts.record import RESULT, Record

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")
WORDS = ("-m", "trainer=cpu", "data=breast_cancer", "model.width=8", "trainer.max_epochs=1")
WORDS += ("seed=1,2", "baselines=false")


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
