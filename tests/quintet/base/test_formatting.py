"""Numbers in reports: noise, importance, scales."""

import doctest
import math

import pytest

from quintet.analysis.intervals import wilson
from quintet.analysis.significance import fewest, judge
from quintet.base import formatting, terminal
from quintet.base.formatting import change, listed, number, rounded, score
from quintet.report.sweep.importance import disagreements, measured
from quintet.report.sweep.scales import ticks
from quintet.study.space import Choice, Interval


def test_the_wilson_interval_is_that_of_the_textbook():
    found = wilson(0.5, 10)  # Newcombe 1998, "Two-sided confidence intervals"
    assert (found.low, found.high) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(1.0, 180).high == pytest.approx(1.0)
    assert wilson(1.0, 180).low == pytest.approx(180 / (180 + 1.96**2), abs=1e-4)


@pytest.mark.parametrize(
    ("a", "b", "kind"),
    [(1.0, 1.0, "chance"), (1.0, 175 / 180, "chance"), (0.95, 0.91, "unsure"), (1, 0.8, "clear")],
)
def test_a_difference_of_accuracies_is_judged_by_its_samples(a, b, kind):
    assert judge("accuracy", a, b, 180).kind == kind


@pytest.mark.parametrize("trials", [1, 40])
def test_as_many_samples_must_differ_as_a_shared_sign_test_asks_for(trials):
    count = fewest(trials)
    assert 2 * math.pow(0.5, count) < 0.05 / trials < 2 * math.pow(0.5, count - 1)


def test_the_best_of_many_must_be_further_ahead():
    assert judge("accuracy", 0.99, 0.94, 180, trials=1).kind == "clear"
    assert judge("accuracy", 0.99, 0.94, 180, trials=40).kind == "chance"


def test_other_metrics_are_not_judged_by_two_numbers():
    assert judge("rmse", 1.0, 2.0, 180).kind == "unknown"


def test_where_importance_and_the_rule_disagree_is_said():
    shares = {"model.activation": 0.9, "optimizer.weight_decay": 0.06, "optimizer.lr": 0.04}
    assert measured(shares)["model.activation"] == "high"
    first, second = disagreements(shares)
    assert first.startswith("model.activation mattered more here (90%")
    assert second.startswith("optimizer.lr mattered less here")


@pytest.mark.parametrize(
    "p",
    [
        Interval("a", 1e-4, 1e-1, "log"),
        Interval("a", 16, 512, "log", integer=True),
        Interval("a", 0.0, 0.5),
        Interval("a", 0.9, 0.999, "reverse_log"),
        Interval("a", 2, 3, "log"),
        Choice("a", ("x", "y")),
    ],
    ids=str,
)
def test_ticks_stand_at_the_values_that_they_name(p):
    marks = ticks(p)
    assert 2 <= len(marks["tickvals"]) <= 7
    assert all(-1e-9 <= at <= 1 + 1e-9 for at in marks["tickvals"])
    for at, named in zip(marks["tickvals"], marks["ticktext"], strict=True):
        assert p.unit(named) == pytest.approx(at, abs=0.02)


def test_numbers_in_words():
    assert score(0.12345) == "0.1235"
    assert score(49.18211) == "49.18"
    assert score(1234.567) == "1,234.6"
    assert score(392100.4) == "392,100"
    assert score(0.00012345) == "0.000123"
    assert score(0.0) == "0"
    assert number(-0.0000125) == "-1.25e-5"
    assert rounded("131072") == "131072"
    assert change(0.25, 0.75) == "−0.5000"
    assert change(0.99891, 0.99805) == "+0.0009", "no finer than the values themselves"
    assert change(392_143.0, 392_143.4) == "less than 1", "a zero that is none"
    assert listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize("module", [formatting, terminal])
def test_the_examples_hold(module):
    assert doctest.testmod(module).failed == 0


def test_a_line_with_a_command_is_not_broken():
    command = "Continue it with `python src/train.py resume=logs/train/runs/one`"
    assert terminal.filled(f"Nothing is training here\n{command}", 20) == (
        f"Nothing is training\nhere\n{command}"
    )
