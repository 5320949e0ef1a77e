import json
from pathlib import Path

import pytest

from quintet.artifacts.record import Record, Score
from quintet.trackers.run_facts import about, outcome, study


def test_the_choices_are_columns_of_their_own(composed):
    told = about(composed("optimizer=sgd", "optimizer.lr=0.25", "model.width=[32,16]")).hparams
    expected = {"metric": "accuracy", "loss": "cross_entropy", "optimizer": "sgd", "data": "digits"}
    assert expected.items() <= told.items()
    assert told["optimizer/lr"] == 0.25
    assert told["metric/mode"] == "max"
    assert json.loads(told["model/width"]) == [32, 16]


def test_every_column_is_flat_and_worth_comparing(composed, tmp_path):
    told = about(composed()).hparams
    assert all(isinstance(value, str | int | float | bool | None) for value in told.values())
    assert not [k for k, v in told.items() if str(tmp_path) in str(v)], "a path differs every run"
    assert not [key for key in told if "_target_" in key or key.startswith(("paths", "logger"))]


def test_what_comes_from_the_environment_stays_a_reference(composed, monkeypatch):
    monkeypatch.setenv("CANARY", "tweet-tweet-4711")
    told = about(composed("data=csv", "data.target=y", "data.path='s/${oc.env:CANARY}/t.csv'"))
    assert told.hparams["data/path"] == "s/${oc.env:CANARY}/t.csv"
    assert "tweet" not in repr(told)


@pytest.mark.parametrize(
    ("folder", "name"),
    [("logs/train/sweeps/lr-study/trials/0007", "lr-study"), ("logs/train/runs/2026", None)],
)
def test_a_trial_names_its_study(folder, name):
    assert study(Path(folder)) == name


def test_the_outcome_tells_the_best_and_the_test_scores():
    record = Record(Score("f1", "max", 0.5), seed=0, test={"f1": 0.25, "loss": 2.0}, epochs=3)
    told = outcome(record)
    assert told["best/f1"] == 0.5
    assert told["test/f1"] == 0.25
    assert told["test/loss"] == 2.0
    assert told["epochs"] == 3


def test_a_run_that_never_scored_has_no_best():
    assert "best/f1" not in outcome(Record(Score("f1", "max"), seed=0))
