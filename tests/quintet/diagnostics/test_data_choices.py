"""The metric, loss and model that fit a data set, chosen by its facts."""

import pytest
import torch
from omegaconf import open_dict

from options import facts
from quintet.commands.inspect_data import inspect_data
from quintet.data.samples import Facts
from quintet.data.sources.bundled import diabetes
from quintet.diagnostics.data_choices import epochs, fitting, folds, transform
from running import composed

LENGTHS = {"steps_per_epoch", "total_steps"}


def known(task: str, **changes) -> Facts:
    return Facts(**{k: v for k, v in facts(task, **changes).items() if k not in LENGTHS})


@pytest.mark.parametrize(
    ("task", "counts", "metric", "loss"),
    [
        ("binary", [60, 40], "accuracy", "cross_entropy"),
        ("binary", [90, 10], "f1", "weighted_cross_entropy"),
        ("multiclass", [20, 15, 10], "accuracy", "cross_entropy"),
        ("multiclass", [50, 30, 10], "f1", "weighted_cross_entropy"),
        ("multilabel", [20, 10, 5], "f1", "bce"),
        ("regression", [], "rmse", "mse"),
    ],
)
def test_metric_and_loss_follow_the_task_and_its_balance(task, counts, metric, loss):
    found = fitting(known(task, class_counts=counts), torch.arange(100.0))
    assert (found["metric"], found["loss"]) == (metric, loss)


@pytest.mark.parametrize(
    ("changes", "model"),
    [
        ({}, "mlp"),
        ({"cardinalities": [3]}, "tabular"),
        ({"kind": "image"}, "cnn"),
        ({"kind": "sequence"}, "gru"),
        ({"kind": "tokens"}, "gru"),
    ],
)
def test_the_model_follows_the_kind_of_input(changes, model):
    assert fitting(known("multiclass", **changes), torch.arange(100.0))["model"] == model


@pytest.mark.parametrize(("planted", "metric", "loss"), [(0, "rmse", "mse"), (22, "mae", "huber")])
def test_outliers_among_the_targets_call_for_an_error_that_is_not_squared(planted, metric, loss):
    targets = diabetes().y.clone()
    targets[:planted] += 1500
    found = fitting(known("regression", class_counts=[]), targets)
    assert (found["metric"], found["loss"]) == (metric, loss)


@pytest.mark.parametrize(
    ("task", "changes", "values", "wanted"),
    [
        ("regression", {}, "prices", "log"),
        ("regression", {}, "counts", "log1p"),
        ("regression", {}, "even", ""),
        ("regression", {}, "signed", ""),
        ("regression", {"num_targets": 2}, "prices", ""),
        ("regression", {"kind": "sequence"}, "prices", ""),
        ("binary", {}, "prices", ""),
    ],
)
def test_a_skewed_target_is_learnt_by_its_logarithm(task, changes, values, wanted):
    prices = torch.randn(400, 1, generator=torch.Generator().manual_seed(0)).mul(1.5).exp()
    targets = {"prices": prices, "counts": (10 * prices).floor(), "signed": prices - 1}
    targets["even"] = torch.linspace(1, 2, 400)[:, None]
    usual = {"kind": "table", "num_targets": 1}
    assert transform(known(task, **usual | changes), targets[values]) == wanted


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"train_size": 100, "val_size": 20}, 5),
        ({"train_size": 50_000, "val_size": 20}, None),
        ({"train_size": 100, "val_size": 20, "kind": "image"}, None),
        ({"train_size": 100, "val_size": 20, "kind": "sequence"}, None),
    ],
)
def test_models_of_small_tables_are_compared_over_folds(changes, wanted):
    assert folds(known("multiclass", **changes)) == wanted


@pytest.mark.parametrize(
    ("size", "kind", "wanted"),
    [(300, "table", 100), (1920, "table", 50), (50_000, "table", 30), (300, "image", 30)],
)
def test_models_of_small_tables_train_for_more_epochs(size, kind, wanted):
    data = known("multiclass", train_size=size, val_size=100, kind=kind)
    assert epochs(data, batch_size=64, usual=30) == wanted


@pytest.mark.parametrize(("seconds", "wanted"), [(60, None), (600, 5), (None, 5)])
def test_folds_are_for_tables_that_the_time_is_long_enough_for(seconds, wanted):
    table = known("multiclass", train_size=900, val_size=100)
    assert folds(table, seconds) == wanted


def test_it_says_why_a_small_table_is_not_folded(tmp_path, capsys):
    lines = [f"{i},{'rare' if i % 40 == 0 else 'ab'[i % 2]}" for i in range(120)]
    (tmp_path / "own.csv").write_text("x,y\n" + "\n".join(lines))
    words = ("data=csv", f"data.path={tmp_path / 'own.csv'}", "data.target=y", "data.columns=[x]")
    cfg = composed(tmp_path, *words)
    with open_dict(cfg):  # Hydra tells them to a command only
        cfg.choices = {"metric": "accuracy", "loss": "cross_entropy", "model": "mlp"}
    assert "cv.folds" not in inspect_data(cfg)
    said = " ".join(capsys.readouterr().out.split())
    assert "One validation part for all: cv.folds=5 needs 5 samples of every class" in said
    assert "'rare', has 2." in said
