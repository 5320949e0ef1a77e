"""The claims of docs/sweeps.md on foreign tables follow from the committed rows."""

import importlib.util
import math
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs/sweeps.md"


@pytest.fixture(scope="module")
def foreign():
    """benchmarks/foreign.py, which is not in a package."""
    spec = importlib.util.spec_from_file_location("foreign", ROOT / "benchmarks/foreign.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def at(foreign, trials, tables=None):
    """Return the mean regret and half its interval, by strategy."""
    tables = tables or foreign.CHOSEN_ON + foreign.CONFIRMED_ON
    return {n: foreign.interval(own) for n, own in foreign.regrets(tables, trials).items()}


def test_the_table_in_the_docs_is_the_one_of_the_rows(foreign, capsys):
    foreign.show()
    assert capsys.readouterr().out in DOCS.read_text("utf-8")


@pytest.mark.parametrize("trials", [25, 50, 100])
def test_genetic_is_better_than_everything_beside_it(foreign, trials):
    found = at(foreign, trials)
    regret, half = found.pop("genetic")
    for other, (theirs, their_half) in found.items():
        assert theirs - regret > math.hypot(half, their_half), other


def test_genetic_is_better_on_the_tables_that_chose_nothing_too(foreign):
    found = at(foreign, 100, foreign.CONFIRMED_ON)
    assert min(found, key=found.get) == "genetic"


def test_its_regret_at_50_trials_is_two_thirds_of_tpes_and_a_third_of_randoms(foreign):
    found = {name: mean for name, (mean, _) in at(foreign, 50).items()}
    assert found["genetic"] < 0.75 * found["Optuna: TPE"]
    assert found["genetic"] < found["random"] / 3


def test_joint_densities_are_better(foreign):
    found = {name: mean for name, (mean, _) in at(foreign, 100, foreign.CHOSEN_ON).items()}
    assert found["tpe, multivariate"] < found["tpe, independent"]


def test_without_its_model_genetic_is_level_with_tpe_at_a_hundredth_of_the_time(foreign):
    found, seconds = at(foreign, 100), foreign.seconds()
    mean, half = found["genetic, one child"]
    theirs, their_half = found["tpe, multivariate"]
    assert abs(mean - theirs) < math.hypot(half, their_half)
    assert seconds["genetic, one child"] < seconds["tpe, multivariate"] / 20


def test_the_advice_says_what_the_rows_say(foreign):
    """docs/choosing.md, "Which strategy when"."""
    genetic, random = (
        [f"{at(foreign, trials)[name][0]:.3f}"[1:] for trials in (25, 100)]
        for name in ("genetic", "random")
    )
    said = (
        f"a regret of {genetic[0]} after 25 trials and {genetic[1]} after 100, where random "
        f"search has {random[0]} and {random[1]}"
    )
    advice = (ROOT / "docs/choosing.md").read_text("utf-8")
    assert said in advice
    assert "`sweeper=genetic`" in advice[: advice.index(said)].splitlines()[-1]
