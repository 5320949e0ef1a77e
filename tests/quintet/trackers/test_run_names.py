"""Names of runs and trials in trackers are readable."""

from pathlib import Path

import pytest

from quintet.trackers.run_names import LONGEST, of_run, of_trial

TIMED = Path("logs/train/runs/2026-11-28_07-43-11_032850_30884")
CHOICES = {"module": "supervised", "model": "mlp", "data": "csv"}


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"optimizer": "adam", "optimizer.lr": "0.0029999999"}, "adam lr=0.003 · trial 12"),
        ({"seed": "3"}, "seed=3 · trial 12"),
        ({"a.width": "8", "b.width": "9"}, "a.width=8 b.width=9 · trial 12"),
        ({}, "trial 12"),
    ],
)
def test_a_trial_is_named_by_what_differs(params, name):
    assert of_trial(Path("rates/trials/0012"), params) == name


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "mlp on csv"),
        (["data.path=my houses.csv", "trainer.max_epochs=3", "model=mlp"], "mlp on csv"),
        (
            ["optimizer=sgd", "optimizer.lr=0.1", "+model.width=8"],
            "mlp on csv · sgd lr=0.1 width=8",
        ),
    ],
)
def test_a_run_in_a_folder_without_a_name_is_named_by_what_was_typed(overrides, name):
    assert of_run(TIMED, CHOICES, overrides) == name


def test_a_folder_that_was_named_names_its_run():
    assert of_run(Path("baseline"), CHOICES, ["optimizer=sgd"]) == "baseline"


def test_a_long_name_keeps_its_number():
    name = of_trial(Path("0007"), {f"model.parameter_{i}": "1" for i in range(40)})
    assert len(name) <= LONGEST + 3
    assert name.endswith("… · trial 7")
