"""`python src/train.py -m` from the outside."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import warm
from quintet.base import locks
from usual import every

ROOT = Path(__file__).parents[3]
TRAIN = str(ROOT / "src/train.py")
# Runs train.py as itself, and says at the end which heavy libraries this process has imported.
SPY = (
    "import atexit, runpy, sys; sys.argv = sys.argv[1:];"
    "atexit.register(lambda: print('heavy:', {'torch', 'lightning'} & set(sys.modules)));"
    "sys.path.insert(0, sys.argv[0].rpartition('/')[0]);"
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)
QUICK = ["data=digits", "trainer.max_epochs=1", "model.width=8"]


def sweep(folder, *arguments):
    command = [sys.executable, "-c", SPY, TRAIN, "-m", f"hydra.sweep.dir={folder}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder.parent, timeout=240)


def leaderboard(folder):
    with (folder / "leaderboard.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep") / "first"
    with warm.cold():  # or the parent would have everything imported
        return folder, sweep(folder, *QUICK, "optimizer=adam,sgd")


def test_a_sweep_leaves_a_leaderboard_with_the_winner_first(done):
    folder, out = done
    assert out.returncode == 0, out.stdout + out.stderr
    first, second = leaderboard(folder)
    assert {first["optimizer"], second["optimizer"]} == {"adam", "sgd"}
    assert float(first["value"]) >= float(second["value"])


def test_trials_leave_the_test_set_closed_and_the_winner_is_tested_once(done):
    folder, _ = done
    for row in leaderboard(folder):
        assert json.loads(Path(row["folder"], "result.json").read_text())["test"] == {}
    best = json.loads((folder / "best/result.json").read_text())
    assert 0 < best["test"]["accuracy"] <= 1
    assert best["choices"]["optimizer"] == leaderboard(folder)[0]["optimizer"]
    assert best["choices"]["sweeper"] == "grid"


def test_only_the_winner_has_answers_and_a_page(done):
    folder, _ = done
    for name in ("predictions.npz", "report.html"):
        found = {p.parent.relative_to(folder).as_posix() for p in folder.rglob(name)}
        assert found - {"."} == {"best"}
    text = (folder / "best/report.html").read_text()
    assert f"evaluate.py run={folder.name}/best" in text


def test_the_console_says_what_won_and_what_to_do_next(done):
    folder, out = done
    assert "P is accuracy on validation data, greatest wins" in out.stdout
    assert "evaluate.py run=" in out.stdout
    assert f"study={folder.name}" in out.stdout or f"hydra.sweep.dir={folder}" in out.stdout


def test_the_parent_needs_neither_torch_nor_lightning(done):
    assert "heavy: set()" in done[1].stdout


def test_the_same_command_again_trains_nothing_and_keeps_the_winner(done):
    folder, _ = done
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("result.json")}
    again = sweep(folder, *QUICK, "optimizer=adam,sgd")
    assert again.returncode == 0, again.stderr
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("result.json")} == before


def test_another_space_under_the_same_name_is_refused(done):
    folder, _ = done
    out = sweep(folder, *QUICK, "optimizer=adam,rmsprop")
    assert out.returncode == 1
    assert "optimizer: was adam,sgd, now adam,rmsprop" in out.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    every(
        3,
        [
            (["optimizer.lrx=0.1,0.2"], "lrx"),
            (["optimizer=adam,sdg"], "Did you mean 'sgd'?"),
            (["sweeper=grid,random"], "a sweep has one strategy"),
            (["metric=accuracy,f1"], "cannot be compared"),
            (["sweeper=gird"], "Did you mean 'grid'?"),
            (["sweeper.n_trails=3", "seed=1,2"], "Did you mean 'n_trials'?"),
            (["optimizer.lr=interval(0.1,1)"], "sweeper=random"),
            (["search_space=hihg"], "search_space=hihg"),
            (["sweeper=random"], "There is nothing to vary"),
            (["sweeper.slots=0", "seed=1,2"], "sweeper.slots=0 is out of range"),
            (["sweeper.storage=sqlite:///nowhere/x.db", "seed=1,2"], "does not respond"),
            (["~scheduler=1,2"], "~scheduler alone"),
            (["+optimizer.foo=1,2"], "optimizer.foo is unknown: Adam takes no 'foo'"),
            (["cv.folds=5", "data.fold=2", "seed=1,2"], "cv.folds=5 trains every fold"),
            (["sweeper.storage=mysql://me:secret@host/db", "seed=1,2"], "sweeper.storage holds a"),
        ],
    ),
)
def test_a_mistake_is_refused_before_the_first_trial(tmp_path, arguments, says):
    out = sweep(tmp_path / "wrong", *arguments)
    assert out.returncode == 1, out.stdout
    assert says in out.stderr
    assert "Traceback" not in out.stderr
    assert not (tmp_path / "wrong").exists()


def test_a_winner_without_its_model_gives_way_to_the_next(done, tmp_path):
    folder = tmp_path / "robbed"
    shutil.copytree(done[0], folder)
    first, second = leaderboard(folder)
    (folder / f"trials/{int(first['trial']):04d}/checkpoints/best.ckpt").unlink()
    (folder / "best/checkpoints/best.ckpt").unlink()
    (folder / "report.html").unlink()
    out = sweep(folder, *QUICK, "optimizer=adam,sgd", "test=false", "report=false")
    assert out.returncode == 0, out.stderr
    assert f"trial {first['trial']} was better" in out.stdout
    best = json.loads((folder / "best/result.json").read_text())
    assert best["metric"]["value"] == float(second["value"])
    assert best["choices"]["optimizer"] == second["optimizer"]
    assert (folder / "best/checkpoints/best.ckpt").is_file()
    assert not (folder / "report.html").exists()
    assert not (folder / "best/report.html").exists()


def test_where_no_model_is_left_there_is_no_best(done, tmp_path):
    folder = tmp_path / "emptied"
    shutil.copytree(done[0], folder, ignore=shutil.ignore_patterns("*.ckpt"))
    out = sweep(folder, *QUICK, "optimizer=adam,sgd", "report=false")
    assert "no trial has its checkpoint any more" in out.stdout
    assert f"optimizer={leaderboard(folder)[0]['optimizer']}" in out.stdout


def test_trials_without_their_journal_are_neither_taken_over_nor_lost(done, tmp_path):
    folder = tmp_path / "forgotten"
    shutil.copytree(done[0], folder)
    (folder / "journal.log").unlink()
    out = sweep(folder, *QUICK, "optimizer=sgd,adam")
    assert out.returncode == 1
    assert "journal.log has been deleted or changed" in out.stderr
    assert len(list(folder.glob("trials/*/result.json"))) == 2


def test_a_second_sweep_on_a_running_study_is_refused(tmp_path):
    folder = tmp_path / "busy"
    folder.mkdir()
    held = locks.take(folder / ".sweep.lock")
    out = sweep(folder, *QUICK, "seed=1,2")
    os.close(held)
    assert out.returncode == 1
    assert "is being run by another process" in out.stderr
    assert not (folder / "trials").exists()
