"""A sweep that is killed as it ends: the same command completes it, and opens the test set once."""

import json
import os
import shutil
import signal
import sys
import zipfile
from dataclasses import asdict, replace

import pytest
from omegaconf import OmegaConf
from parent import plan, swept

from quintet.artifacts.record import Record, Score
from quintet.base import fault_injection
from quintet.study.study import Study
from quintet.study.trial import folder_of
from quintet.sweep import final_ensemble, trial_process, winner
from quintet.sweep.time_budget import TimeBudget
from usual import usual

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="forks"),
    pytest.mark.cold,  # a fork's own warm interpreter would take longer to load than what it runs
]

# Stands in for evaluate.py and ensemble.py: says that it has opened the test set, and leaves its
# scores. It may be told to end the sweep at one of its moments, and itself with it.
OPENS = """
import json, os, signal, sys
from pathlib import Path
from quintet.base.files import write_atomically

def moment(name):
    if os.environ.get("END_AT") == name:
        if not os.environ.get("ALONE"):
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

words = dict(word.split("=", 1) for word in sys.argv[1:])
moment("before")
with open(Path(__file__).with_name("opened"), "a") as file:
    file.write("x")
moment("within")
folder = Path((words.get("run") or words["output"]).strip("'\\""))
if "run" in words:
    write_atomically(folder / "evaluation.json", '{"val": {}, "test": {"score": 0.5}}')
else:
    ensemble = '{"metric": "score", "mode": "max", "members": {"members/0001": 1}, "test": 0.7}'
    write_atomically(folder / "ensemble.json", ensemble)
moment("after")
"""


@pytest.fixture
def ended(tmp_path):
    """A sweep whose two trials have ended, and the scripts that it calls."""
    for name in ("evaluate.py", "ensemble.py"):
        (tmp_path / name).write_text(OPENS)
    folder = tmp_path / "sweep"
    folder.mkdir()
    settings = {"seed": 1, "ensemble": 2, "timeout": None, "storage": None}
    command = (sys.executable, str(tmp_path / "train.py"))
    chosen = plan(
        folder, swept(x=[1, 2]), command=command, settings=OmegaConf.create(settings), report=False
    )
    study = Study(folder, "max")
    for x in (1, 2):
        number = study.create({"x": str(x)}, chosen.space, {})
        place = folder_of(folder, number)
        (place / "checkpoints").mkdir(parents=True)
        with zipfile.ZipFile(place / "checkpoints/best.ckpt", "w") as file:
            file.writestr("weights", "none")
        record = Record(Score("score", "max", float(x)), seed=0, status="completed")
        replace(record, checkpoint="checkpoints/best.ckpt").write(place)
        study.note(number, value=float(x), epochs=1)
        study.tell(number, "completed", float(x))
    return chosen


def end(chosen, winner_only=False, **environment):
    """End the sweep in a process of its own, with such faults; return its exit code."""
    if (pid := os.fork()) == 0:
        try:
            os.environ.update(environment)
            study = Study(chosen.folder, "max")
            assert winner.keep(chosen, study, trial_process.start) is not None
            if winner_only:
                os._exit(0)
            made = final_ensemble.assemble(chosen, study, trial_process.start, TimeBudget(None))
            os._exit(0 if made.test == 0.7 else 1)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def opened(chosen):
    path = chosen.folder.parent / "opened"
    return len(path.read_text()) if path.exists() else 0


def check(chosen):
    record = asdict(Record.read(chosen.folder / "best"))
    assert record["metric"]["value"] == 2.0
    assert record["test"] == {"score": 0.5}
    assert record["anomalies"] == []
    assert json.loads((chosen.folder / "ensemble/ensemble.json").read_text())["test"] == 0.7
    assert sorted(os.listdir(chosen.folder / "best")) == ["checkpoints", "result.json"]
    left = {"trials", "best", "ensemble", "journal.log", "journal.log.lock"}
    assert set(os.listdir(chosen.folder)) == left


def test_the_test_set_is_opened_once_by_the_winner_and_once_by_the_ensemble(ended):
    for _ in range(2):
        assert end(ended) == 0
        check(ended)
        assert opened(ended) == 2


def writes(chosen, tmp_path):
    """Count the boundaries of writes of the whole end, in the sweep's own process."""
    assert end(chosen, **{fault_injection.VARIABLE: f"list:{tmp_path / 'list'}"}) == 0
    return len((tmp_path / "list").read_text().splitlines())


@pytest.mark.parametrize("first", usual([0, 1, 2, 3], 0))
def test_killed_at_each_write_it_is_completed_by_the_same_command(ended, tmp_path, first):
    kept = tmp_path / "kept"
    shutil.copytree(ended.folder, kept)
    for at in range(1 + first, writes(ended, tmp_path) + 1, 4):
        shutil.rmtree(ended.folder)
        shutil.copytree(kept, ended.folder)
        (tmp_path / "opened").unlink()
        # Those who are called count their own writes; only the sweep's has so many.
        code = end(ended, **{fault_injection.VARIABLE: f"kill:{at}", "END_AT": ""})
        assert code in (0, -signal.SIGKILL)
        assert end(ended) == 0
        check(ended)
        assert opened(ended) == 2


@pytest.mark.parametrize("moment", ["before", "within", "after"])
def test_killed_within_the_test_it_is_tested_again_and_recorded_once(ended, moment):
    assert end(ended, END_AT=moment) == -signal.SIGKILL
    done = opened(ended)
    assert done == (moment != "before")
    assert end(ended) == 0
    check(ended)
    # A test that had come to its end is not made again.
    assert opened(ended) == 2 + (moment == "within")


@pytest.mark.parametrize("moment", ["before", "within"])
def test_a_test_that_is_killed_alone_is_made_by_the_same_command(ended, moment):
    """As by a memory that is short: the sweep lives on, and says that its winner is untested."""
    for _ in range(2):
        assert end(ended, winner_only=True, END_AT=moment, ALONE="1") == 0
        record = Record.read(ended.folder / "best")
        assert not record.test
        (anomaly,) = record.anomalies
        assert anomaly.startswith("the test failed: it ended with exit code -9")
    assert end(ended) == 0
    check(ended)
