import numpy as np
import pytest
import torch
from sklearn import metrics as sk

import quintet.options.metrics
from options import CONFIGS, own, own_computed, template_only
from quintet.analysis.bootstrap import measured
from quintet.analysis.measures import MEASURES, equal
from quintet.artifacts.predictions_file import Predictions
from quintet.problems import problem_of

DRAW = np.random.default_rng(1)
N = 80
TASKS = ("binary", "multiclass", "multilabel", "regression")


def answers(task) -> Predictions:
    """Coarse probabilities, so that scores tie."""
    if task == "binary":
        target, p = DRAW.integers(2, size=N), DRAW.random(N).round(1)
    elif task == "multiclass":
        target, p = DRAW.integers(4, size=N), DRAW.dirichlet(np.ones(4), size=N).round(2)
        p = p / p.sum(axis=1, keepdims=True)
    elif task == "multilabel":
        target, p = DRAW.integers(2, size=(N, 3)), DRAW.random((N, 3)).round(1)
    else:
        target, p = DRAW.normal(200, 5, size=(N, 2)), DRAW.normal(200, 5, size=(N, 2))
    kind = np.float32 if task == "regression" else int
    return Predictions(task, np.arange(N), target.astype(kind),
                   p.astype(np.float32), N)  # fmt: skip


def configured(name: str, task: str) -> float | None:
    """P of the option `metric=<name>`, None where it does not fit the task."""
    from omegaconf import OmegaConf

    from quintet.config.instantiate import instantiate

    node = OmegaConf.load(CONFIGS / "metric" / f"{name}.yaml")
    if task not in node.fits:
        return None
    facts = {"task": task, "num_classes": 4, "num_targets": {"multilabel": 3}.get(task, 2)}
    cfg = OmegaConf.create({"facts": facts, "metric": node})
    return instantiate(cfg.metric, "metric")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", [name for name in own("metric") if name in MEASURES])
def test_equal_weights_give_the_metric_itself(name, task):
    if (metric := configured(name, task)) is None:
        assert name not in problem_of(task).reported
        return
    found = answers(task)
    metric.update(torch.tensor(found.predicted), torch.tensor(found.target))
    assert measured(found, name) == pytest.approx(float(metric.compute()), abs=1e-5)


@pytest.mark.parametrize(
    ("name", "task"),
    [("f1", "multiclass"), ("auc_roc", "binary"), ("average_precision", "binary"),
     ("matthews_corrcoef", "multiclass"), ("r2", "regression"), ("log_loss", "multiclass")],
)  # fmt: skip
def test_weights_count_samples_as_often_as_they_say(name, task):
    found = answers(task)
    times = DRAW.integers(4, size=N)
    rows = np.repeat(np.arange(N), times)
    longer = Predictions(task, np.arange(len(rows)), found.target[rows], found.predicted[rows], N)
    weighted = MEASURES[name](found, times[None] / times.sum())[0]
    assert weighted == pytest.approx(measured(longer, name), abs=1e-9)


def test_an_auc_without_a_positive_is_not_defined():
    found = answers("binary")
    only = (found.target == 0)[None] / (found.target == 0).sum()
    assert np.isnan(MEASURES["auc_roc"](found, only)[0])


def test_precision_equals_scikit_learns():
    found = answers("multiclass")
    theirs = sk.precision_score(found.target, found.decided, average="macro", zero_division=0)
    assert MEASURES["precision"](found, equal(N))[0] == pytest.approx(theirs)


@template_only
def test_every_metric_has_a_measure():
    assert set(own_computed()) == set(MEASURES)
    assert quintet.options.metrics
