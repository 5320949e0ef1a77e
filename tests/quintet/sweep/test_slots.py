"""The slot loop over real processes: a stand-in for train.py that lives 50 ms."""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from family import kill, members, start, wait_for_none
from hypothesis import given, settings
from hypothesis import strategies as st
from parent import HERE, loop, plan, swept

from quintet.base import locks
from quintet.base.errors import Code
from quintet.study.study import Study
from quintet.study.trial import folder_of
from quintet.sweep.samplers import Grid
from quintet.sweep.trial_schedulers.halving import SuccessiveHalving
from refusals import Refusal
from usual import usual


def states(folder):
    return [t.state for t in Study.read(folder).trials()]


def ran(folder):
    """Count how often each trial was started."""
    lines = (folder / "trials/ran").read_text().splitlines()
    return Counter(line.split()[0] for line in lines)


def test_every_trial_runs_once_and_its_metric_is_kept(tmp_path):
    assert loop(plan(tmp_path, swept(x=[3, 1, 2]))).run()
    trials = Study.read(tmp_path).trials()
    assert [t.value for t in trials] == [3, 1, 2]
    assert [t.state for t in trials] == ["completed"] * 3
    assert set(ran(tmp_path).values()) == {1}


@pytest.mark.parametrize(
    ("do", "status", "why"),
    [
        ("raise", "failed", "no luck"),
        ("diverge", "diverged", "the loss is nan"),
        ("kill", "failed", "killed by SIGKILL"),
        ("silent", "failed", "exit code 1"),
        ("nan", "failed", "nan"),
    ],
)
def test_a_failure_is_kept_with_its_reason_and_the_sweep_continues(tmp_path, do, status, why):
    assert loop(plan(tmp_path, swept(do=["ok", do, "ok"][1:], x=[1]))).run()
    failed, fine = Study.read(tmp_path).trials()
    assert (failed.state, failed.notes["status"]) == ("failed", status)
    assert why in failed.notes["reason"]
    assert fine.state == "completed"


def test_a_failure_keeps_the_end_of_its_log(tmp_path):
    loop(plan(tmp_path, swept(do=["raise"]))).run()
    (failed,) = Study.read(tmp_path).trials()
    assert failed.notes["log"].splitlines() == ["a log line", "RuntimeError: no luck"]


def test_it_gives_up_when_the_first_few_all_fail(tmp_path):
    its = loop(plan(tmp_path, swept(do=["raise"], x=range(9))))
    assert not its.run()
    assert its.gave_up
    assert states(tmp_path) == ["failed"] * 3


def test_one_success_keeps_it_going(tmp_path):
    its = loop(plan(tmp_path, swept(do=["ok", "raise"], x=range(4))))
    assert its.run()
    assert Counter(states(tmp_path)) == {"completed": 4, "failed": 4}


def test_a_sweep_that_would_wait_for_nobody_ends(tmp_path):
    """A journal that another program wrote pauses trials where no rung is."""
    halved = plan(tmp_path, swept(x=range(4)), scheduler=SuccessiveHalving(eta=2), max_epochs=4)
    study = Study(tmp_path, "max")
    for value in range(4):
        study.create({"x": str(value)}, halved.space, {"bracket": 0, "budget": 3})
        study.note(value, paused_at=3)
    with Refusal(Code.DAMAGED, "study"):
        loop(halved, study=study).run()


def test_slots_run_side_by_side(tmp_path):
    its = loop(plan(tmp_path, swept(x=range(4)), fixed=("sleep=0.3",)), slots=4)
    its.run()
    assert [event for event, _ in its.view.events[:4]] == ["began"] * 4


def test_each_slot_has_its_own_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    loop(plan(tmp_path, swept(x=range(2)), fixed=("sleep=0.3",)), slots=2).run()
    assert {line.split()[2] for line in (tmp_path / "trials/ran").read_text().splitlines()} == {
        "3",
        "5",
    }


def test_no_trial_begins_after_the_time_is_up(tmp_path):
    assert not loop(plan(tmp_path, swept(x=range(50))), seconds=0.3).run()
    assert 0 < len(states(tmp_path)) < 50
    assert set(states(tmp_path)) == {"completed"}


def test_a_trial_stops_after_its_epoch_when_the_time_is_up(tmp_path):
    made = loop(plan(tmp_path, swept(epochs=[1000]), fixed=("sleep=0.2",)), seconds=3)
    made.run()
    (trial,) = made.study.trials()
    assert trial.state == "pruned"
    assert trial.notes["cut"], "its scheduler stopped it"
    assert 0 < trial.notes["epochs"] < 1000


def test_a_sweep_whose_time_is_up_before_it_begins_still_has_a_trial(tmp_path):
    made = loop(plan(tmp_path, swept(epochs=[1000, 1001]), fixed=("sleep=0.2",)), seconds=0)
    assert not made.run()
    (only,) = made.study.trials()
    assert only.value is not None


def test_a_trial_whose_epoch_outlasts_the_time_is_left_unfinished(tmp_path):
    made = loop(plan(tmp_path, swept(epochs=[1]), fixed=("sleep=1000",)), seconds=1)
    made.run()
    assert [t.state for t in made.study.trials()] == ["running"]


def test_an_interrupted_sweep_continues_to_exactly_n(tmp_path):
    chosen = plan(tmp_path, swept(x=range(5)), fixed=("sleep=0.1", "epochs=3"))
    first = loop(chosen, slots=2)
    first.stopping = lambda: ("reported", 3) in first.view.events
    assert not first.run()
    assert "running" in states(tmp_path)
    assert loop(chosen, slots=2).run()
    assert states(tmp_path) == ["completed"] * 5


def test_raising_n_adds_the_difference(tmp_path):
    chosen = plan(tmp_path, swept(x=range(5)))
    loop(chosen, limit=2).run()
    loop(chosen, limit=5).run()
    assert ran(tmp_path) == {f"000{i}": 1 for i in range(5)}


def test_a_trial_continues_from_its_checkpoint(tmp_path):
    chosen = plan(tmp_path, swept(x=[7]), fixed=("epochs=40", "sleep=0.05"))
    first = loop(chosen)
    first.stopping = lambda: len(first.view.events) > 4
    first.run()
    loop(chosen, view=first.view).run()
    starts = [int(line.split()[1]) for line in (tmp_path / "trials/ran").read_text().splitlines()]
    assert starts[0] == 0
    assert starts[1] >= 3


def test_a_result_that_was_never_reported_is_not_trained_again(tmp_path):
    chosen = plan(tmp_path, swept(x=[7]))
    study = loop(chosen).study
    number = study.create({"x": "7"}, chosen.space, {})
    folder = folder_of(tmp_path, number)
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(
        '{"metric": {"name": "score", "mode": "max", "value": 7}, "seed": 0, "status": "completed"}'
    )
    loop(chosen).run()
    assert states(tmp_path) == ["completed"]
    assert not (tmp_path / "trials/ran").exists()


def test_a_trial_that_another_process_holds_is_left_alone(tmp_path):
    chosen = plan(tmp_path, swept(x=[7]))
    study = loop(chosen).study
    number = study.create({"x": "7"}, chosen.space, {})
    folder_of(tmp_path, number).mkdir(parents=True)
    held = locks.take(folder_of(tmp_path, number) / ".lock")
    its = loop(chosen)
    until = time.monotonic() + 0.6
    its.stopping = lambda: time.monotonic() > until
    assert not its.run()
    assert not its.view.events
    os.close(held)


def test_a_deleted_trial_folder_stops_nobody(tmp_path):
    import shutil

    chosen = plan(tmp_path, swept(x=range(3)))
    loop(chosen, limit=2).run()
    shutil.rmtree(tmp_path / "trials/0000")
    assert loop(chosen).run()
    assert states(tmp_path) == ["completed"] * 3


def test_two_loops_share_a_study_without_a_repeat(tmp_path):
    command = [sys.executable, str(HERE / "parent.py"), str(tmp_path), "12", "2", "0.05"]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [one.wait(timeout=60) for one in both] == [0, 0]
    assert states(tmp_path) == ["completed"] * 12
    assert ran(tmp_path) == {f"{i:04d}": 1 for i in range(12)}


@settings(max_examples=6, deadline=None)
@given(
    kinds=st.lists(st.sampled_from(["ok", "raise", "kill", "silent", "nan"]), min_size=3),
    slots=st.integers(1, 3),
    stops=st.lists(st.integers(1, 3), max_size=2),
)
def test_whatever_fails_and_whenever_it_stops_there_are_n_trials(kinds, slots, stops):
    kinds = ["ok", *kinds[:5]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        points = [{"do": do, "x": str(i)} for i, do in enumerate(kinds)]
        space = swept(do=sorted(set(kinds)), x=range(len(kinds)))
        grid = Grid()
        grid._combinations = points
        chosen = plan(folder, space, sampler=grid)
        for after in (*stops, 99):
            its = loop(chosen, slots=slots)
            its.stopping = lambda its=its, after=after: len(its.outcomes) >= after
            its.run()
        assert [t.params for t in its.study.trials()] == points
        good = ["completed" if do == "ok" else "failed" for do in kinds]
        assert states(folder) == good


def kill_at_random(folder, seed, rounds):
    """Kill a sweep, or parts of it, again and again; run the same command to its end after."""
    chance = random.Random(seed)
    command = [sys.executable, str(HERE / "parent.py"), str(folder), "8", "2", "0.1"]
    killed = 0
    for _ in range(rounds):
        parent = start(command, folder)
        time.sleep(chance.uniform(0.3, 1.3))
        trials = [pid for pid in members(folder) if pid != parent.pid]
        which = chance.choice(["parent", "trial", "all"])
        victims = {"parent": [parent.pid], "trial": trials[:1], "all": [*trials, parent.pid]}
        kill(victims[which])
        killed += which == "trial"
        if which == "trial":  # the sweep itself continues; end it as well
            time.sleep(0.2)
            parent.kill()
        parent.wait()
        wait_for_none(folder, f" after a kill of {which}")
    assert subprocess.run(command, timeout=120).returncode == 0
    trials = Study.read(folder).trials()
    assert [t.params["x"] for t in trials] == [str(i) for i in range(8)]
    assert all(t.state == "completed" or "SIGKILL" in t.notes["reason"] for t in trials)
    assert sum(t.state == "failed" for t in trials) <= killed


@pytest.mark.skipif(sys.platform != "linux", reason="a dying parent is told on Linux only")
@pytest.mark.parametrize("seed", usual([0, 1], 0))
def test_kill_9_at_random_moments_loses_and_repeats_nothing(tmp_path, seed):
    kill_at_random(tmp_path, seed, rounds=6)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 110))
def test_kill_9_twenty_times_over(tmp_path, seed):
    kill_at_random(tmp_path, seed, rounds=20)
