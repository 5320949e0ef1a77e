import shlex

import pytest

from quintet import console
from quintet.record import Record, Score


@pytest.fixture
def record():
    return Record(
        metric=Score("accuracy", "max", 0.95),
        seed=0,
        test={"accuracy": 0.9, "loss": 0.3},
        choices={"model": "mlp"},
        overrides=["optimizer.lr=0.1", "data.columns=[a,b]"],
        epochs=20,
        checkpoint="checkpoints/best.ckpt",
        facts={"test_size": 400},
        baselines={"linear": {"val": 0.97, "test": 0.89}, "dummy": {"val": 0.1, "test": 0.1}},
    )


def printed(record, tmp_path, capsys):
    console.summarise(record, tmp_path)
    return capsys.readouterr().out


def test_the_summary_stands_the_model_beside_its_baselines(record, tmp_path, capsys):
    lines = [line.split() for line in printed(record, tmp_path, capsys).splitlines()]
    assert ["mlp", "0.9500", "0.9000"] in lines
    assert ["linear", "0.9700", "0.8900"] in lines


def test_the_summary_says_how_far_chance_moves_a_test_accuracy(record, tmp_path, capsys):
    assert "test ± 0.0150 (standard error, 400 samples)" in printed(record, tmp_path, capsys)


def test_the_summary_passes_on_the_diagnosis(record, tmp_path, capsys):
    assert "The curves look healthy." in printed(record, tmp_path, capsys)
    record.diagnosis = ["Plateau: take scheduler=[x]."]
    out = printed(record, tmp_path, capsys)
    assert "! Plateau: take scheduler=[x]." in out
    assert "healthy" not in out


def test_the_next_commands_can_be_typed_as_they_stand(record, tmp_path, capsys):
    out = printed(record, tmp_path, capsys)
    assert f"src/evaluate.py run={tmp_path}" in out
    assert "sweeper.n_trials=20 optimizer.lr=0.1 'data.columns=[a,b]'" in out


def test_a_path_with_spaces_is_quoted_for_shell_and_hydra(record, tmp_path, capsys):
    out = printed(record, tmp_path / "a b", capsys)
    line = next(line for line in out.splitlines() if line.startswith("evaluate"))
    assert shlex.split(line)[-1] == f"run='{tmp_path}/a b'"


def test_a_run_without_a_checkpoint_offers_no_use_of_it(record, tmp_path, capsys):
    record.checkpoint = None
    assert "evaluate.py" not in printed(record, tmp_path, capsys)


def test_too_few_epochs_are_not_called_healthy(record, tmp_path, capsys):
    record.epochs = 2
    assert "healthy" not in printed(record, tmp_path, capsys)


def test_without_a_test_there_is_no_column_for_it(record, tmp_path, capsys):
    record.test, record.baselines = {}, {}
    lines = [line.split() for line in printed(record, tmp_path, capsys).splitlines()]
    assert ["validation"] in lines
    assert ["mlp", "0.9500"] in lines
