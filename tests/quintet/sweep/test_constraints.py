"""Sweeps with constraints: `constraints={parameters: {max: 50}}`."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
from parent import loop, plan, swept

from quintet.artifacts.record import Record
from quintet.base.errors import Code, UserError
from quintet.ensembles.candidates import candidates
from quintet.report.sweep.history import best_so_far
from quintet.report.sweep.sweep_data import SweepData
from quintet.study import leaderboard
from quintet.study.constraints import KEY, violation
from quintet.study.fronts import note, scalarised
from quintet.study.study import Study
from quintet.study.trial import Trial
from quintet.sweep import pipeline
from quintet.sweep.stagnation import completed
from quintet.sweep.trial_schedulers.pruners import Asha

SMALL = {"parameters": {"max": 50.0}}


class Listed:
    """Suggests params one after the other."""

    starts_with_defaults = False

    def __init__(self, *params):
        self.params = [dict(zip(("x", "size"), map(str, each), strict=True)) for each in params]

    def total(self, space):
        return len(self.params)

    def suggest(self, trials, space, number, seed, mode):
        return self.params[number]


def run(folder, *params, constraints=SMALL, **changes):
    values = {"x": [p[0] for p in params], "size": [p[1] for p in params]}
    given = {"sampler": Listed(*params), "constraints": constraints, **changes}
    its = loop(chosen := plan(folder, swept(**values), **given))
    its.study.set_or_check_spec(chosen.spec())
    assert its.run()
    return Study.read(folder)


@pytest.mark.parametrize(
    ("values", "bounds", "by"),
    [
        ({"parameters": 50}, SMALL, 0),
        ({"parameters": 75}, SMALL, 0.5),
        ({}, SMALL, math.inf),
        ({"parameters": math.nan}, SMALL, math.inf),
        ({"f1": 0.6}, {"f1": {"min": 0.8}}, 0.25),
        ({"f1": 0.6, "parameters": 75}, {"f1": {"min": 0.8}, **SMALL}, 0.75),
        ({"drift": 0.5}, {"drift": {"min": 0, "max": 0}}, 0.5),
    ],
)
def test_a_violation_is_the_share_by_which_bounds_are_broken(values, bounds, by):
    assert violation(values, bounds) == pytest.approx(by)


def test_the_winner_holds_the_constraints_and_the_leaderboard_says_who_does(tmp_path):
    study = run(tmp_path, (9, 90), (5, 50), (7, 60), (3, 10))
    assert leaderboard.winner(study).params == {"x": "5", "size": "50"}
    rows = leaderboard.rows(study)
    assert [row["x"] for row in rows] == ["5", "3", "7", "9"], "the closest to the bound first"
    assert [row["feasible"] for row in rows] == [True, True, False, False]
    assert [row["parameters"] for row in rows] == [50, 10, 60, 90]
    assert [*completed(study.trials())] == [5, 3]


def test_samplers_and_schedulers_see_the_feasible_first():
    def trial(number, value, size, reports=()):
        notes = {"objectives": {"score": value, "parameters": size}}
        for epochs in reports:
            notes |= note(epochs, {"score": value, "parameters": size})
        return Trial(number, "completed", value, {}, dict.fromkeys(reports, value), notes)

    trials = [trial(0, 9, 90, [1]), trial(1, 5, 50, [1]), trial(2, 3, 10, [1]), trial(3, 8, 60)]
    seen = scalarised(trials, {"score": "max"}, SMALL)
    order = sorted(seen, key=lambda t: t.value)
    assert [t.number for t in order] == [1, 2, 3, 0]
    assert seen[1].reports[1] < seen[2].reports[1] < seen[0].reports[1]


def test_asha_prunes_what_breaks_a_constraint_before_worse_ones_that_hold_it(tmp_path):
    study = run(tmp_path, (5, 50), (9, 90), (6, 50), scheduler=Asha(1, 2), max_epochs=4,
                fixed=("epochs=4", "rise=1"))  # fmt: skip
    assert [t.state for t in study.trials()] == ["completed", "pruned", "completed"]
    assert leaderboard.winner(study).number == 2


def test_a_sweep_in_which_none_holds_them_says_which_was_closest(tmp_path, monkeypatch):
    run(tmp_path, (9, 90), (5, 60))
    with pytest.raises(UserError) as caught:
        pipeline.finish(
            plan(tmp_path, swept(x=[9, 5], size=[90, 60])), Study.read(tmp_path), None, None,
            gave_up=False,
        )  # fmt: skip
    assert caught.value.code == Code.FAILED
    assert "trial 1 (x=5 size=60)" in str(caught.value)
    assert not (tmp_path / "best").exists()


def test_the_page_and_ensembles_leave_out_what_breaks_them(tmp_path):
    study = run(tmp_path, (9, 90), (5, 50), (7, 60), (3, 10))
    leaderboard.save(study)
    data = SweepData(study, tmp_path)
    assert data.winner.number == 1
    assert data.runner_up.number == 3
    assert best_so_far(data) == [None, 5, 5, 5]
    with pytest.raises(UserError):  # the stand-in has no checkpoints of models
        candidates(tmp_path, 4)


def test_a_study_continues_with_the_same_constraints_only(tmp_path):
    run(tmp_path, (5, 50))
    with pytest.raises(UserError, match="parameters: was"):
        run(tmp_path, (5, 50), constraints={"parameters": {"max": 40.0}})


WORDS = ["sweeper=random", "sweeper.n_trials=5", "model.width=8,16"]


@pytest.mark.parametrize(
    ("words", "code", "key"),
    [
        (["constraints=[parameters]"], Code.WRONG_TYPE, KEY),
        (["constraints={parameters:9}"], Code.WRONG_TYPE, f"{KEY}.parameters"),
        (["constraints={parameters:{}}"], Code.WRONG_TYPE, f"{KEY}.parameters"),
        (["constraints={parameters:{most:9}}"], Code.UNKNOWN_NAME, f"{KEY}.parameters"),
        (["constraints={parameters:{max:few}}"], Code.WRONG_TYPE, f"{KEY}.parameters.max"),
        (["constraints={f1:{min:.9,max:.8}}"], Code.CONFLICT, f"{KEY}.f1"),
        (["constraints={paramters:{max:9}}"], Code.UNKNOWN_NAME, KEY),
        (["constraints={accuracy:{min:.9}}"], Code.CONFLICT, KEY),
    ],
)
def test_what_cannot_be_held_is_refused_before_the_first_trial(settled, words, code, key):
    with pytest.raises(UserError) as caught:
        settled(*WORDS, *words)
    assert (caught.value.code, caught.value.key) == (code, key)


def test_the_metric_can_be_bounded_where_it_is_traded_off(settled):
    chosen = settled(*WORDS, "objectives={parameters:min}", "constraints={accuracy:{min:.9}}")
    assert chosen.compared_by == ("accuracy", "parameters")
    assert chosen.spec()[KEY] == {"accuracy": {"min": 0.9}}


def test_a_real_sweep_keeps_the_best_of_the_feasible(tmp_path):
    folder = tmp_path / "sweep"
    words = ["data=digits", "report=false", "sweeper=asha", "sweeper.n_trials=3", "test=false",
             "sweeper.slots=2", "model.width=4,8,64", "trainer.max_epochs=3",
             "constraints={parameters:{max:2000},f1:{min:0}}"]  # fmt: skip
    script = str(Path(__file__).parents[3] / "src/train.py")
    done = subprocess.run(
        [sys.executable, script, "-m", f"hydra.sweep.dir={folder}", *words],
        capture_output=True, text=True, timeout=240, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "parameters at most 2000" in " ".join(done.stdout.split())
    won = leaderboard.winner(Study.read(folder))
    assert won.notes["objectives"]["parameters"] <= 2000
    assert Record.read(folder / "best").parameters <= 2000
