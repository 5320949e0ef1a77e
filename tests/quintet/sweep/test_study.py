"""A study stores what it is about, and can be read into pandas."""

import pytest
from parent import loop, plan, swept

from quintet.artifacts.record import Record, Score
from quintet.base.errors import Code
from quintet.report.sweep.sweep_data import SweepData
from quintet.report.sweep.sweep_page import page
from quintet.study import Study, leaderboard
from quintet.study.space import Interval, Space
from quintet.sweep import console_report, trial_outcome
from refusals import Refusal


def test_a_changed_space_is_refused_with_the_difference(tmp_path):
    its = loop(plan(tmp_path, swept(x=[1])))
    its.run()
    study = its.study
    study.set_or_check_spec({"fixed": ["a=1"], "space": {"x": "1,2"}})
    study.set_or_check_spec({"fixed": ["a=1"], "space": {"x": "1,2"}})
    with Refusal(Code.EXISTS, "study", "test_a_changed_space_is_refuse0"):
        study.set_or_check_spec({"fixed": ["a=1"], "space": {"x": "1,2,3", "y": "4"}})


def test_a_study_that_has_no_trial_yet_may_be_about_anything(tmp_path):
    study = Study(tmp_path, "max")
    study.set_or_check_spec({"space": {"x": "1,2"}})
    study.set_or_check_spec({"space": {"x": "1,2,3"}})
    assert study.optuna.user_attrs["spec"] == {"space": {"x": "1,2,3"}}


@pytest.mark.parametrize("typed", [["seed=1,2"], ["seed=1,2", "study=null"]])
def test_the_command_to_continue_names_the_study(tmp_path, monkeypatch, typed):
    monkeypatch.setattr("sys.argv", ["train.py", "-m", *typed])
    words = console_report.continue_command(plan(tmp_path / "mine", swept(seed=[1, 2]))).split()
    assert words[2:] == ["-m", "seed=1,2", "study=mine"]


@pytest.mark.parametrize(("mode", "best"), [("max", 3), ("min", 1)])
def test_flipping_the_mode_flips_the_winner(tmp_path, mode, best):
    its = loop(plan(tmp_path, swept(x=[2, 1, 3]), mode=mode))
    its.run()
    assert leaderboard.winner(its.study).value == best
    assert [r["value"] for r in leaderboard.rows(its.study)] == (
        [3, 2, 1] if mode == "max" else [1, 2, 3]
    )


def test_the_leaderboard_has_the_columns_that_tools_read(tmp_path):
    its = loop(plan(tmp_path, swept(do=["ok", "raise"], x=[5])))
    its.run()
    leaderboard.save(its.study)
    lines = (tmp_path / "leaderboard.csv").read_text().splitlines()
    assert lines[0] == "trial,state,value,epochs,seconds,folder,do,x"
    assert lines[1] == f"0,completed,5.0,1,0.1,{tmp_path}/trials/0000,ok,5"
    assert lines[2].startswith("1,failed,,0,")


def test_a_sweep_folder_reads_into_pandas(tmp_path):
    loop(plan(tmp_path, swept(x=[2, 9]))).run()
    frame = Study.read(str(tmp_path)).frame()
    assert list(frame.index) == [1, 0]
    assert list(frame["value"]) == [9, 2]


def test_a_folder_without_a_study_is_named(tmp_path):
    with Refusal(Code.NOT_FOUND, "sweep"):
        Study.read(tmp_path)


def test_a_best_value_at_the_edge_is_pointed_out(tmp_path):
    space = Space((Interval("x", 0, 10), Interval("y", 0, 10)))
    study = Study(tmp_path, "max")
    study.create({"x": "9.9", "y": "5"}, space, {})
    (warning,) = leaderboard.edge_warnings(study.trials()[0], space)
    assert "x=9.9" in warning
    assert "higher" in warning


def test_nothing_lies_below_zero(tmp_path):
    space = Space((Interval("model.dropout", 0, 0.5), Interval("y", 0, 10)))
    study = Study(tmp_path, "max")
    study.create({"model.dropout": "0.0", "y": "5"}, space, {})
    assert leaderboard.edge_warnings(study.trials()[0], space) == []


def test_a_steered_trial_is_marked(tmp_path):
    """Its point alone does not give its P."""
    change = {"key": "optimizer.lr", "before": 0.01, "after": 0.001, "epoch": 2, "refused": ""}
    found = Record(Score("accuracy", "max", 0.9), seed=0, status="completed")
    found.steering = [change | {"by": "lr_finder"}]
    found.write(tmp_path)
    assert "steered" not in trial_outcome.recorded(tmp_path).notes({})
    found.steering = [change, change | {"refused": "no"}]
    found.write(tmp_path)
    study = Study(tmp_path, "max")
    for notes in ({}, trial_outcome.recorded(tmp_path).notes({})):
        study.note(study.create({"x": "1"}, Space((Interval("x", 0, 10),)), {}), **notes)
    assert list(leaderboard.rows(study)[0])[-2:] == ["steered", "x"]
    told = "optimizer.lr 0.01 → 0.001 in epoch 3"
    assert [row["steered"] for row in leaderboard.rows(study)] == [told, None]
    assert leaderboard.steering_warnings(study) == [
        f"Trial 1 was steered while it trained: {told}."
    ]
    shown = page(SweepData(study, tmp_path)).html()
    assert "interrupted, steered" in shown
    assert "Trial 1 was steered" in shown
