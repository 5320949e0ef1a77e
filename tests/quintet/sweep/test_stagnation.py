"""A sweep that stops by itself (`sweeper.stop=auto`)."""

import csv
import runpy
from pathlib import Path
from statistics import median

import pytest
from omegaconf import OmegaConf
from parent import loop, plan, swept

from quintet.study.study import Study
from quintet.sweep import stagnation
from quintet.sweep.stagnation import LEAST, since, stagnates

ROWS = Path(__file__).parents[3] / "benchmarks/stop.csv"


@pytest.mark.parametrize("mode", ["min", "max"])
def test_it_counts_from_the_last_gain(mode):
    sign = 1 if mode == "max" else -1
    values = [sign * v for v in (1.0, 5.0, 9.0, 2.0, 3.0)]
    assert since(values, mode) == 2
    assert since([*values, sign * 10.0], mode) == 0


def test_a_gain_within_a_hundredth_of_the_spread_is_none():
    values = [0.0, 100.0, 0.0, 0.0]
    assert since([*values, 100.5], "max") == 3
    assert since([*values, 102.0], "max") == 0
    assert since([*values, *[100.0 + 0.5 * i for i in range(1, 5)]], "max") < 3, "small ones add up"


def test_equal_values_never_gain():
    assert stagnates([0.5] * (LEAST + 1), "max")
    assert not stagnates([0.5] * (LEAST - 1), "max")


def test_a_long_search_is_given_half_its_length():
    rising = [float(i) for i in range(100)]
    assert not stagnates([*rising, *[0.0] * 99], "max")
    assert stagnates([*rising, *[0.0] * 100], "max")


def stopping(folder, stop, **changes):
    chosen = plan(folder, swept(x=[1, 9, *range(2, 8)]), **changes)
    OmegaConf.update(chosen.settings, "stop", stop, force_add=True)
    return chosen


def test_the_loop_starts_no_trial_after_it_and_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(stagnation, "LEAST", 3)
    chosen = stopping(tmp_path, "auto")
    assert loop(chosen).run()
    study = Study.read(tmp_path)
    assert [t.value for t in study.trials()] == [1, 9, 2, 3, 4]
    assert stagnation.why(chosen, study, 8).startswith("after 5 of 8 trials: none of the last 3 ")
    assert loop(chosen).run(), "the same command again"
    assert len(Study.read(tmp_path).trials()) == 5
    never = stopping(tmp_path, None)
    assert loop(never).run(), "and without it"
    assert len(Study.read(tmp_path).trials()) == 8
    assert stagnation.why(never, Study.read(tmp_path), 8) == ""


def test_the_table_in_the_docs_is_the_one_of_the_rows(capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(ROWS.parent))
    runpy.run_path(str(ROWS.with_suffix(".py")))["show"]()
    assert capsys.readouterr().out in (ROWS.parents[1] / "docs/sweeps.md").read_text()


def test_what_the_docs_claim_stands_in_the_rows():
    with ROWS.open(newline="") as file:
        rows = [*csv.DictReader(file)]
    for name in ("tpe, multivariate", "genetic"):
        own = [row for row in rows if row["strategy"] == name]
        lost = [float(row["regret_then"]) - float(row["regret_200"]) for row in own]
        assert len(own) == 45
        assert median(int(row["stopped"]) for row in own) <= 100
        assert median(lost) <= 0.005
