"""Folds and seeds trained as one batched model equal those trained alone."""

import os
import signal
from pathlib import Path

import pytest
import torch

import runs
from quintet.artifacts.record import Record
from quintet.base.errors import Code, UserError
from quintet.ensembles import cross_validation, stacked_parts
from running import composed
from runs import RunTrain, Start, wait_until
from usual import every, usual

LOW = ("optimizer.lr=1e-4", "trainer=cpu", "trainer.max_epochs=2", "report=false")
ONE_BY_ONE = "cv.stack=1"


def ran(folder: Path, *words: str) -> Record:
    folder.mkdir(parents=True)
    return cross_validation.run(composed(folder, *LOW, *words))


def weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    state = torch.load(folder / "checkpoints" / name, weights_only=True)["state_dict"]
    return {key: value for key, value in state.items() if key.startswith("model.")}


def assert_alike(mine: Path, other: Path) -> None:
    for name in ("best.ckpt", "last.ckpt"):
        own, theirs = weights(mine, name), weights(other, name)
        assert own.keys() == theirs.keys()
        assert all(torch.allclose(own[key], theirs[key], atol=1e-5) for key in own)
    rows = [(folder / "metrics.csv").read_text().splitlines() for folder in (mine, other)]
    assert rows[0][0] == rows[1][0]
    for here, there in zip(rows[0][1:], rows[1][1:], strict=True):
        numbers = [[float(cell) for cell in row.split(",")] for row in (here, there)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-3)
    here, there = Record.read(mine), Record.read(other)
    keys = ("status", "sessions", "epochs", "best_epoch", "facts", "choices", "by_sample")
    for key in (*keys, "diagnosis", "anomalies", "checkpoint", "layers", "parameters"):
        assert getattr(here, key) == getattr(there, key)
    assert here.baselines == there.baselines
    assert here.validation == pytest.approx(there.validation, rel=1e-3)
    names = [{path.name for path in folder.rglob("*")} for folder in (mine, other)]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("words", "sizes"),
    every(
        5,
        [
            pytest.param(
                # 303 or 304 samples: with 101 in a batch, 304 would need a batch of one more
                ("data=breast_cancer", "cv.folds=3", "model.width=8", "data.batch_size=64"),
                {303, 304},
                id="unequal folds",
            ),
            pytest.param(
                ("data=breast_cancer", "cv.folds=3", "model.width=8", "data.batch_size=101"),
                {303, 304},
                id="unequal numbers of batches",
            ),
            pytest.param(
                (
                    *("data=breast_cancer", "cv.folds=3", "cv.seeds=2", "model.width=8"),
                    *("model.batch_norm=true", "model.dropout=0.5"),
                ),
                {303, 304},
                id="batch norm, and seeds",
            ),
            pytest.param(
                ("data=diabetes", "cv.seeds=2", "model.width=8"), {308}, id="a task that is read"
            ),
            pytest.param(
                (
                    *("data=moons", "cv.seeds=2", "model.width=4", "trainer.max_epochs=9"),
                    *("optimizer.lr=1e-12", "callbacks.early_stopping.patience=1"),
                ),
                {280},
                id="early stopping",
            ),
        ],
    ),
)
def test_a_part_equals_the_part_alone(tmp_path, words, sizes):
    together, alone = tmp_path / "together", tmp_path / "alone"
    mine, other = ran(together, *words), ran(alone, *words, ONE_BY_ONE)
    assert {Record.read(together / name).facts["train_size"] for name in mine.parts} == sizes
    assert [*mine.parts] == [*other.parts]
    for name in mine.parts:
        assert_alike(together / name, alone / name)
    assert mine.repeats == pytest.approx(other.repeats, rel=1e-4)
    assert mine.test == pytest.approx(other.test, rel=1e-4)
    assert mine.baselines == other.baselines


@pytest.mark.slow
def test_parts_train_in_one_go(tmp_path, monkeypatch):
    from quintet.training import stacked_run

    groups, train_group = [], stacked_run.train_group
    monkeypatch.setattr(
        stacked_run, "train_group", lambda seats: groups.append(len(seats)) or train_group(seats)
    )
    ran(tmp_path / "all", "data=moons", "cv.folds=4", "model.width=4")
    ran(tmp_path / "two", "data=moons", "cv.folds=4", "model.width=4", "cv.stack=2")
    assert groups == [4, 2, 2]


@pytest.mark.slow
def test_seconds_are_not_counted_for_each_part(tmp_path):
    record = ran(tmp_path / "run", "data=moons", "cv.folds=4", "model.width=4")
    seconds = [Record.read(tmp_path / "run" / name).seconds for name in record.parts]
    assert 0 < sum(seconds) <= record.seconds


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("trainer.accumulate_grad_batches=2", "trainer.accumulate_grad_batches"),
        ("data.augment=mixup", "augmented"),
    ],
)
def test_what_trains_one_by_one_says_why_once(tmp_path, capsys, word, why):
    record = ran(tmp_path / "run", "cv.seeds=2", "data=moons", "model.width=4", word)
    assert record.status == "completed"
    out = capsys.readouterr().out
    assert out.count("one after another") == 1
    assert why in out


@pytest.mark.parametrize("number", usual([signal.SIGKILL, signal.SIGINT], signal.SIGKILL))
def test_ended_together_each_continues(
    tmp_path: Path, start_train: Start, run_train: RunTrain, number: signal.Signals
):
    words = ("cv.folds=3", *LOW[:1], "trainer.max_epochs=200", "callbacks.early_stopping=null")
    folder = tmp_path / "killed"
    process = start_train(folder, *words)
    wait_until(lambda: runs.epochs(folder / "folds/2") > 2, process)
    os.killpg(process.pid, number)
    process.wait()
    before = [runs.epochs(folder / f"folds/{fold}") for fold in range(3)]
    assert all(2 < each < 200 for each in before)
    run_train(None, f"resume={folder}", f"trainer.max_epochs={max(before) + 1}")
    record = Record.read(folder)
    assert record.status == "completed"
    assert [Record.read(folder / name).epochs for name in record.parts] == [max(before) + 1] * 3


@pytest.mark.slow
def test_trained_together_and_stopped_they_are_evaluated_by_a_resume(tmp_path):
    words = ("data=moons", "cv.folds=2", "model.width=4")
    whole = ran(tmp_path / "whole", *words)
    cfg = composed(tmp_path / "stopped", *LOW, *words)
    (tmp_path / "stopped").mkdir()
    parts = cross_validation.parts(cfg, tmp_path / "stopped")
    stacked_parts.train(parts, "auto", data=None)
    assert {Record.read(Path(each.paths.run)).status for each in parts.values()} == {"interrupted"}
    done = cross_validation.train(parts, again=True, at_end=None)
    assert {name: each.metric.value for name, each in done.items()} == whole.repeats
    assert {each.sessions for each in done.values()} == {1}


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["SAMPLES", "PARAMETERS"])
def test_what_is_large_trains_one_by_one_unless_asked_for(tmp_path, monkeypatch, capsys, limit):
    monkeypatch.setattr(stacked_parts, limit, 10)
    words = ("cv.seeds=2", "data=moons", "model.width=4", "baselines=false")
    ran(tmp_path / "auto", *words)
    assert "one after another" in capsys.readouterr().out
    ran(tmp_path / "two", *words, "cv.stack=2")
    assert "one after another" not in capsys.readouterr().out


@pytest.mark.parametrize("value", ["0", "true", "many"])
def test_no_number_of_models_is_refused(tmp_path, value):
    with pytest.raises(UserError) as caught:
        ran(tmp_path / "run", "cv.folds=2", f"cv.stack={value}")
    assert (caught.value.code, caught.value.key) == (Code.OUT_OF_RANGE, "cv.stack")
