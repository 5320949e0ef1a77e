"""Cross-validation and repeated seeds."""

import json
import os
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import runs
from quintet.artifacts.ensemble_record import Ensemble
from quintet.artifacts.record import Record, Score, by_fold
from quintet.base.errors import Code, UserError
from quintet.commands.evaluation import evaluate
from quintet.commands.export import export
from quintet.commands.prediction import predict
from quintet.config.initial_config import as_typed
from quintet.ensembles import cross_validation
from quintet.ensembles.reload import trained
from quintet.study.trial_pipe import TrialPipe
from quintet.training import experiment
from running import SHORT, composed
from runs import RunTrain, Start, wait_until

CANCER = ("data=breast_cancer", "model.width=8", *SHORT)


def ran(folder: Path, *words: str) -> Record:
    folder.mkdir(parents=True, exist_ok=True)
    return cross_validation.run(composed(folder, *words))


@pytest.fixture(scope="module")
def folded(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cv") / "run"
    ran(folder, "cv.folds=3", *CANCER, "baselines=true", "metrics=[auc_roc]")
    return folder


def command(name: str, folder: Path, **more):
    given = {
        "evaluate": {"baselines": False, "trainer": dict(composed(folder, "trainer=cpu").trainer)}
    }
    words = {"run": str(folder), "checkpoint": "best", "debug": False}
    return OmegaConf.create(words | given.get(name, {}) | more)


def test_the_metric_is_the_mean_and_the_spread_is_numpys(folded: Path) -> None:
    record = Record.read(folded)
    values = [Record.read(folded / f"folds/{i}").metric.value for i in range(3)]
    assert [*record.repeats.values()] == values
    assert record.metric.value == pytest.approx(np.mean(values), abs=1e-12)
    assert record.spread["deviation"] == pytest.approx(np.std(values, ddof=1), abs=1e-12)
    error = np.std(values, ddof=1) / np.sqrt(3)
    assert record.spread["error"] == pytest.approx(error, abs=1e-12)
    assert record.epochs == 3
    epochs = [Record.read(folded / f"folds/{i}").best_epoch for i in range(3)]
    assert (record.best_epoch, epochs) == (None, [1, 1, 1])


def test_the_test_set_is_opened_once_for_all_models_together(folded: Path) -> None:
    assert [Record.read(folded / f"folds/{i}").test for i in range(3)] == [{}] * 3
    answers = []
    for i in range(3):
        run = trained(folded / f"folds/{i}")
        run.load()
        x, y = run.data.splits["test"]
        answers.append(run.task.predictions(run.task(x)).detach())
    right = ((torch.stack(answers).mean(0) > 0.5) == y.bool()).float().mean()
    assert Record.read(folded).test["accuracy"] == pytest.approx(float(right), abs=1e-6)


def test_evaluated_again_it_gives_what_was_recorded(folded: Path) -> None:
    record = Record.read(folded)
    scores = evaluate(command("evaluate", folded, splits=["val", "test"]))
    assert scores["val"]["accuracy"] == pytest.approx(record.metric.value, abs=1e-6)
    assert scores["test"]["accuracy"] == pytest.approx(record.test["accuracy"], abs=1e-6)


def test_simple_models_are_fitted_fold_by_fold_and_averaged_too(folded: Path) -> None:
    """By the metric that decides, and by further ones."""
    held_out, areas, answers = [], [], []
    for i in range(3):
        run = trained(folded / f"folds/{i}")
        run.load()
        parts = {name: (x.numpy(), y.numpy()) for name, (x, y) in run.data.splits.items()}
        model = LogisticRegression(max_iter=200).fit(*parts["train"])
        held_out.append(model.score(*parts["val"]))
        areas.append(roc_auc_score(parts["val"][1], model.predict_proba(parts["val"][0])[:, 1]))
        answers.append(model.predict_proba(parts["test"][0])[:, 1])
    mean, truth = np.mean(answers, axis=0), parts["test"][1]
    expected = {"val": np.mean(held_out), "test": ((mean > 0.5) == truth).mean()}
    expected |= {"val/auc_roc": np.mean(areas), "test/auc_roc": roc_auc_score(truth, mean)}
    assert Record.read(folded).baselines["linear"] == pytest.approx(expected, abs=1e-6)


def test_a_split_that_is_not_scored_again_is_not_forgotten(folded: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(folded, tmp_path / "run")
    evaluate(command("evaluate", folder, splits=["val"], baselines=True))
    assert Record.read(folder).baselines == Record.read(folded).baselines


def test_a_fold_is_the_run_that_its_config_gives_alone(folded: Path, tmp_path: Path) -> None:
    words = ("data.folds=3", "data.fold=1", "metrics=[auc_roc]")
    alone = experiment.run(composed(tmp_path, *words, "test=false", *CANCER))
    assert alone.metric == Record.read(folded / "folds/1").metric
    assert runs.finished(tmp_path) == runs.finished(folded / "folds/1")


def test_predict_averages_the_folds(folded: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).lognormal(size=(5, 30)).astype(np.float32)
    np.savez(tmp_path / "new.npz", x=x)
    output = tmp_path / "out.csv"
    more = {"input": str(tmp_path / "new.npz"), "output": str(output), "batch_size": 4}
    predict(command("predict", folded, **more))
    answers = []
    for i in range(3):
        run = trained(folded / f"folds/{i}")
        answers.append(
            run.task.predictions(run.task(run.data.preprocess.transform(torch.tensor(x))))
        )
    expected = torch.stack(answers).mean(0).detach().numpy()
    assert np.allclose(pd.read_csv(output).iloc[:, -1], expected, atol=1e-6)


def test_export_asks_for_one_of_the_models(folded: Path) -> None:
    with pytest.raises(UserError) as caught:
        export(command("export", folded, formats=["torch"], output=None))
    assert (caught.value.code, caught.value.key) == (Code.CONFLICT, "run")
    assert "folds/0 (of folds/0, folds/1, folds/2" in caught.value.hint


def test_seeds_move_the_model_but_not_the_split(tmp_path: Path) -> None:
    record = ran(tmp_path, "cv.seeds=2", "seed=7", "logger=tensorboard", *CANCER)
    assert [*record.repeats] == ["seeds/7", "seeds/8"]
    first, second = (trained(tmp_path / name) for name in record.repeats)
    for run in (first, second):
        run.load()
    for split in ("train", "val", "test"):
        assert torch.equal(first.data.splits[split][0], second.data.splits[split][0])
    orders = [next(iter(run.data.train_dataloader()))[1] for run in (first, second)]
    assert not torch.equal(*orders)
    assert runs.finished(tmp_path / "seeds/7") != runs.finished(tmp_path / "seeds/8")
    # one run at the tracker, with the outcome of all
    assert [path.parent for path in tmp_path.rglob("tensorboard")] == [tmp_path]


def test_every_fold_with_every_seed_and_the_spread_over_folds() -> None:
    cfg = composed(Path("out"), "cv.folds=2", "cv.seeds=2", "seed=1")
    found = {
        k: cross_validation.part_of(each)
        for k, each in cross_validation.parts(cfg, Path("out")).items()
    }
    assert found == {
        "folds/0_seed_1": {"fold": 0, "seed": 1},
        "folds/1_seed_1": {"fold": 1, "seed": 1},
        "folds/0_seed_2": {"fold": 0, "seed": 2},
        "folds/1_seed_2": {"fold": 1, "seed": 2},
    }
    together = [["folds/0_seed_1", "folds/0_seed_2"], ["folds/1_seed_1", "folds/1_seed_2"]]
    assert by_fold(found, found) == together
    assert cross_validation.spread([2.0, 5.0])["deviation"] == pytest.approx(np.std([2, 5], ddof=1))


def test_a_fold_is_told_a_reference_and_not_what_it_stands_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WHERE", "/secret")
    typed = ["data.path=${oc.env:WHERE}/x.csv", "cv.folds=2"]
    config = {"seed": 1, "cv": {"folds": 2, "seeds": 1}, "data": {}, "paths": {"run": ""}}
    cfg = OmegaConf.create(
        config | {"overrides": typed, "test": True, "logger": {}, "resume": None}
    )
    for part in cross_validation.parts(cfg, Path("run")).values():
        assert as_typed(part.overrides)[0] == typed[0]


def test_seeds_alone_are_no_folds() -> None:
    found = cross_validation.parts(composed(Path("out"), "cv.seeds=2", "seed=7"), Path("out"))
    parts = {name: cross_validation.part_of(each) for name, each in found.items()}
    assert parts == {"seeds/7": {"seed": 7}, "seeds/8": {"seed": 8}}
    assert by_fold(parts, parts) == [["seeds/7"], ["seeds/8"]]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("folds/1", {"fold": 1}),
        ("folds/1_seed_42", {"fold": 1, "seed": 42}),
        ("seeds/42", {"seed": 42}),
    ],
)
def test_a_record_of_before_folds_were_fields_is_read(tmp_path: Path, name: str, part: Any) -> None:
    kept = Record(Score("accuracy", "max", 0.9), seed=42, repeats={name: 0.9})
    kept.write(tmp_path)
    fields = json.loads((tmp_path / "result.json").read_text())
    del fields["parts"]
    (tmp_path / "result.json").write_text(json.dumps(fields))
    assert Record.read(tmp_path).parts == {name: part}


NONE = ("folds=1", "folds=2.5", "folds=true", "seeds=0", "seeds=99999999999", "folds=1000000000")


@pytest.mark.parametrize("words", [f"cv.{n}" for n in NONE])
def test_no_number_of_folds_is_refused(tmp_path: Path, words: str) -> None:
    with pytest.raises(UserError) as caught:
        ran(tmp_path, words)
    assert (caught.value.code, caught.value.key) == (Code.OUT_OF_RANGE, words.partition("=")[0])


def test_a_bare_number_for_cv_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        ran(tmp_path, "cv=5")
    assert (caught.value.code, caught.value.key) == (Code.WRONG_TYPE, "cv")
    assert "cv.folds=5" in caught.value.allowed


@pytest.mark.parametrize(("stop", "whole"), [(4, 2), (3, 1), (1, 1)])
def test_a_sweep_hears_of_all_folds_together_and_can_stop_between_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int, whole: int
) -> None:
    """A fold that is stopped half-way is no part of P, unless there is no other."""
    (hears, tells), (reads, answers) = os.pipe(), os.pipe()
    line = TrialPipe(0, tells, reads)
    for name, value in line.to_environment().items():
        monkeypatch.setenv(name, value)
    told: list[list[float]] = []

    def sweep() -> None:
        with os.fdopen(hears) as file:
            for text in file:
                told.append(json.loads(text))
                os.write(answers, b"s" if told[-1][0] == stop else b"g")

    listener = threading.Thread(target=sweep, daemon=True)
    listener.start()
    record = ran(tmp_path, "cv.folds=3", *CANCER, "trainer.max_epochs=2")
    os.close(tells)
    listener.join(timeout=10)
    assert [epochs for epochs, _ in told] == [1, 2, 3, 4][:stop]
    names = sorted(place.name for place in (tmp_path / "folds").iterdir())
    rows = [pd.read_csv(tmp_path / f"folds/{i}/metrics.csv")["val/accuracy"] for i in names]
    first = Record.read(tmp_path / "folds/0").metric.value
    expected = [*rows[0], *(value for row in rows[1:] for value in (first + row) / 2)]
    assert [value for _, value in told] == pytest.approx(expected, abs=1e-6)
    assert (record.status, record.epochs) == ("pruned", stop)
    assert record.metric.value == pytest.approx(np.mean([*record.repeats.values()]))
    assert [*record.repeats] == [*Ensemble.read(tmp_path).members] == ["folds/0", "folds/1"][:whole]
    assert not (tmp_path / "folds/2").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "done", "underway"),
    [
        (["cv.folds=3"], "folds/0", "folds/1"),
        (["cv.seeds=2"], "seeds/42", "seeds/43"),
        (["cv.folds=2", "cv.seeds=2"], "folds/1_seed_42", "folds/0_seed_43"),
    ],
    ids=["folds", "seeds", "both"],
)
def test_killed_in_a_part_it_continues_there(
    tmp_path: Path,
    start_train: Start,
    run_train: RunTrain,
    words: list[str],
    done: str,
    underway: str,
) -> None:
    long = (*words, "cv.stack=1", "trainer.max_epochs=10", "callbacks.early_stopping=null")
    folder = tmp_path / "killed"
    process = start_train(folder, *long)
    wait_until(lambda: runs.epochs(folder / underway) > 2, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = (folder / done / "checkpoints/last.ckpt").stat().st_mtime_ns
    assert not (folder / "result.json").exists()
    out = run_train(None, f"resume={folder}").stdout
    assert f"{done}  accuracy" in out
    assert "finished before" in out
    assert (folder / done / "checkpoints/last.ckpt").stat().st_mtime_ns == kept
    assert Record.read(folder / done).sessions == 1
    whole = ran(tmp_path / "whole", *runs.SMALL, *long, "callbacks.progress=null")
    assert Record.read(folder).repeats == whole.repeats
    assert runs.finished(folder / underway) == runs.finished(tmp_path / "whole" / underway)


def test_models_that_are_not_all_trained_are_not_used(folded: Path, tmp_path: Path) -> None:
    shutil.copytree(folded / "folds/0", tmp_path / "run/folds/0")
    shutil.copy2(folded / "config.yaml", tmp_path / "run")
    with pytest.raises(UserError) as caught:
        trained(tmp_path / "run")
    assert (caught.value.code, caught.value.value) == (Code.CONFLICT, tmp_path / "run")
    assert "resume=" in caught.value.hint


def test_a_fold_alone_cannot_be_resumed(folded: Path, run_train: RunTrain, tmp_path: Path) -> None:
    (folded / ".hydra").mkdir(exist_ok=True)
    out = run_train(None, f"resume={folded}/folds/1", check=False)
    assert out.returncode == 1
    assert f"resume={folded}" in out.stderr


@pytest.mark.slow
def test_two_processes_train_each_fold_together(tmp_path: Path, run_train: RunTrain) -> None:
    quick = ("trainer.max_epochs=1", "data=breast_cancer", "model.width=8")
    run_train(tmp_path, "trainer=ddp_cpu", "cv.folds=2", *quick)
    record = Record.read(tmp_path)
    assert len(record.repeats) == 2
    scores = evaluate(command("evaluate", tmp_path, splits=["val", "test"]))
    assert scores["val"]["accuracy"] == pytest.approx(record.metric.value, abs=1e-6)
    assert scores["test"]["accuracy"] == pytest.approx(record.test["accuracy"], abs=1e-6)
