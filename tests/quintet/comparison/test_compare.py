"""Comparing runs and sweeps, on small real ones."""

import json
import shutil

import numpy as np
import pytest
from omegaconf import OmegaConf

from quintet.base.errors import Code, UserError
from quintet.comparison.compare import compare
from quintet.comparison.differences import differences
from quintet.comparison.side import check, side
from quintet.comparison.verdict import BEST_OF_MANY, ONE_SEED, of_searches, verdict
from refusals import Refusal


def test_what_differs_is_what_was_typed(sweeps):
    found = differences(side(sweeps["a"], "a"), side(sweeps["b"], "b"))
    assert found.pop("optimizer") == ("adam", "sgd")
    assert found
    assert all(key.startswith(("optimizer.", "scheduler.")) for key in found)


def test_setups_are_compared_seed_by_seed(sweeps, capsys):
    made = compare(OmegaConf.create({"a": str(sweeps["a"]), "b": str(sweeps["b"])}))
    a, b = (side(sweeps[s], s).by_seed() for s in "ab")
    assert [row[0] for row in made.rows] == ["0", "1", "2", "mean", "standard deviation"]
    mean = np.mean([a[s] - b[s] for s in a])
    assert f"{mean:+.4f}" in made.remarks[0]
    assert "of 3 seeds" in made.remarks[1] or "3 seeds" in made.remarks[1]
    said = " ".join(capsys.readouterr().out.split())
    assert made.remarks[0] in said


def test_means_are_of_the_seeds_that_both_have(sweeps):
    a, b = (side(sweeps[s], s) for s in "ab")
    b.runs.pop(0)
    made = verdict(a, b)
    mean = next(row for row in made.rows if row[0] == "mean")
    shared = sorted(b.by_seed())
    assert mean[1] == f"{np.mean([a.by_seed()[s] for s in shared]):.4f}"
    assert "seeds [0]" in made.remarks[-1]


def test_runs_over_folds_are_compared_fold_by_fold_and_with_no_other(sweeps):
    a, b, alone = (side(sweeps["grid"] / "best", s) for s in "abc")
    a.first.record.repeats = {"folds/0": 0.9, "folds/1": 0.8}
    b.first.record.repeats = {"folds/0": 0.7, "folds/1": 0.7}
    made = verdict(a, b)
    assert made.rows[-1] == ["mean", "0.8500", "0.7000", "+0.1500"]
    assert "2 of 2 folds" in made.remarks[0]
    assert "scores cannot be compared" in verdict(a, alone).remarks[0]


def test_one_seed_shows_no_difference_of_choices(sweeps):
    a, b = (side(sweeps[s] / "trials/0000", s) for s in "ab")
    assert (a.kind, b.kind) == ("run", "run")
    assert verdict(a, b).remarks[-1] == ONE_SEED
    many = verdict(a, side(sweeps["b"], "b"))
    assert many.remarks[-1] == ONE_SEED


def test_two_models_are_compared_on_the_same_samples(sweeps):
    best = side(sweeps["grid"] / "best", "a")
    made = verdict(best, best)
    assert [row[0] for row in made.rows] == ["validation", "test"]
    assert made.rows[0][3] == "+0.0000"
    assert "is not significant" in made.remarks[0]


@pytest.mark.parametrize(
    ("one", "other", "titles"),
    [
        ("grid/best", "grid/best", ["loss, validation", "loss, test"]),
        ("a", "b", ["loss, mean"]),
        ("a/trials/0000", "b", ["loss, 0000", "loss, mean of the seeds"]),
        ("grid", "a", ["loss of the best"]),
    ],
)
def test_further_metrics_are_compared_too(sweeps, one, other, titles):
    a, b = (side(sweeps[s.partition("/")[0]] / s.partition("/")[2], s) for s in (one, other))
    for run in (*a.runs.values(), *b.runs.values()):
        run.record.metrics = ["loss"]  # which every run has measured
    table = {row[0]: row[1:] for row in verdict(a, b).rows}
    assert [title for title in table if "loss" in title] == titles
    assert all(cell and cell != "nan" for title in titles for cell in table[title][:1])


def test_searches_are_compared_at_equal_budget(sweeps):
    whole = side(sweeps["grid"], "a")
    made = of_searches(whole, side(sweeps["a"], "b"))
    table = {row[0]: row[1:] for row in made.rows}
    assert table["epochs"] == ["4", "3"]
    assert "best after 3 epochs" in table
    within = max(t.value for t in whole.trials[:3])
    assert table["best after 3 epochs"][0] == f"{within:.4f}"
    assert made.remarks[-1] == BEST_OF_MANY


def test_a_name_of_a_folder_is_not_offered_as_a_word_to_type(sweeps):
    a, b = (side(sweeps["grid"] / "best", which) for which in "ab")
    b.first.record.metric.name = "f1; id"
    with pytest.raises(UserError) as caught:
        check(a, b)
    assert (caught.value.code, caught.value.hint) == (Code.INCOMPATIBLE, "")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (
            {"metric": {"name": "f1", "mode": "max", "value": 0.5}},
            Refusal(Code.INCOMPATIBLE, match="metric=f1"),
        ),
        ({"facts": {"fingerprint": "other"}}, Refusal(Code.INCOMPATIBLE, match="other")),
    ],
)
def test_what_cannot_be_compared_is_refused(sweeps, tmp_path, change, refusal):
    folder = shutil.copytree(sweeps["grid"] / "best", tmp_path / "run")
    record = json.loads((folder / "result.json").read_text()) | change
    (folder / "result.json").write_text(json.dumps(record))
    with refusal as caught:
        check(side(sweeps["grid"], "a"), side(folder, "b"))
    assert caught.value.code is Code.INCOMPATIBLE


def test_a_folder_that_is_neither_is_refused(tmp_path):
    with pytest.raises(UserError) as caught:
        side(tmp_path, "a")
    assert (caught.value.code, caught.value.key) == (Code.NOT_FOUND, "a")
    assert caught.value.value == tmp_path
