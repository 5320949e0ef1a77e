import json
from contextlib import suppress

import pytest
from subjects import composed

from quintet.base.errors import DivergedError
from quintet.diagnostics import training_curves
from quintet.training import experiment
from usual import every


def diagnosis(folder, *words):
    quiet = ("trainer=cpu", "callbacks.progress=null", "test=false", "baselines=false")
    with suppress(DivergedError):
        experiment.run(composed(folder, *quiet, *words))
    record = json.loads((folder / "result.json").read_text())
    return [sentence.split(":")[0] for sentence in record["diagnosis"]]


CONSTANT, SHORT = "scheduler=constant", "trainer.max_epochs=12"


@pytest.mark.parametrize(
    ("answer", "words"),
    every(
        5,
        [
            ([], ("seed=1",)),
            ([], ("data=breast_cancer",)),
            ([], ("model=cnn", "optimizer=sgd_momentum", "trainer.max_epochs=8")),
            (
                ["Still climbing"],
                ("trainer.max_epochs=4", "optimizer=sgd", "optimizer.lr=0.01", CONSTANT),
            ),
            (
                ["Overfitting"],
                ("data=diabetes", "model.dropout=0", "callbacks.early_stopping=null", CONSTANT),
            ),
            (
                ["Too small, or too slow"],
                ("model.width=1", "model.depth=1", "trainer.max_epochs=20"),
            ),
            (
                ["Hockey stick"],
                ("init=normal", "init.weight.std=1", "init.output_gain=1", "optimizer.lr=0.01"),
            ),
            (["Diverged"], ("optimizer.lr=1", "trainer.max_epochs=6", CONSTANT)),
            (
                ["Noisy"],
                ("data.batch_size=4", "data.fraction=0.2", "optimizer.lr=0.01", SHORT, CONSTANT),
            ),
            (["Plateau"], ("optimizer.lr=0.02", "trainer.max_epochs=20", CONSTANT)),
        ],
    ),
    ids=lambda value: value[0] if value and isinstance(value, list) else None,
)
def test_a_planted_run_gets_the_right_answer_and_a_healthy_one_none(tmp_path, answer, words):
    found = diagnosis(tmp_path, *words)
    assert found[:1] == answer
    assert not {"Overfitting", "Too small, or too slow"} <= set(found)


def test_every_answer_names_a_remedy():
    row = {"train/loss": 2.0, "val/loss": 2.0, "lr": 1e-3}
    (said,) = training_curves.diagnose(
        [row | {"train/loss": 2.3 - i / 10} | {"val/loss": 2.3 - i / 10} for i in range(5)],
        guess=2.3,
    )
    assert "trainer.max_epochs=15" in said


@pytest.mark.parametrize("rows", [[], [{"train/loss": 2.0, "val/loss": 2.0, "lr": 1e-3}]])
def test_too_few_rows_say_nothing(rows):
    assert training_curves.diagnose(rows, guess=2.3) == []


def test_rows_without_validation_say_nothing():
    assert training_curves.diagnose([{"train/loss": 2.0, "lr": 1e-3}] * 9, guess=2.3) == []


def test_a_missing_file_has_no_rows(tmp_path):
    assert training_curves.read(tmp_path / "metrics.csv") == []
