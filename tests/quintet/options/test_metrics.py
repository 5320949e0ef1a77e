"""Every metric equals scikit-learn's: in batches, and on two processes with unequal shares."""

from functools import cache

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from options import build, facts, node, own
from quintet.analysis.measures import MEASURES

CASES = [
    (option, case)
    for option in own("metric")
    if option in MEASURES  # test_measures.py: that is every metric of the engine
    for task in node("metric", option)["fits"]
    for case in (["regression", "regression_2"] if task == "regression" else [task])
]


@cache
def predictions(case):
    """Predictions and targets of a plain linear model on held-out bundled data."""
    from sklearn import datasets, linear_model, multioutput, pipeline, preprocessing

    if case == "binary":
        x, y = datasets.load_breast_cancer(return_X_y=True)
        x = x[:, :3]
    elif case in ("multiclass", "multilabel"):
        x, y = datasets.load_digits(return_X_y=True)
        x = x[:, ::3]
        if case == "multilabel":  # odd, at least five, prime
            y = np.stack([y % 2, y >= 5, np.isin(y, [2, 3, 5, 7])], axis=1).astype(int)
    else:
        x, y = datasets.load_diabetes(return_X_y=True)
        if case == "regression_2":  # the second target is of the size of a hundredth
            x, y = np.delete(x, 3, axis=1), np.stack([y, x[:, 3]], axis=1)
    if case == "segmentation":  # sixteen digits are the pixels of an image
        out, y = predictions("multiclass")
        pixels = len(y) // 16 * 16
        maps = out[:pixels].reshape(-1, 4, 4, 10).movedim(-1, 1)
        return maps, y[:pixels].reshape(-1, 4, 4)
    half = len(x) // 2
    if case.startswith("regression"):
        out = linear_model.LinearRegression().fit(x[:half], y[:half]).predict(x[half:])
        return torch.tensor(out).float(), torch.tensor(y[half:]).float()
    model = pipeline.make_pipeline(
        preprocessing.StandardScaler(), linear_model.LogisticRegression(C=0.01)
    )
    if case == "multilabel":
        model = multioutput.MultiOutputClassifier(model).fit(x[:half], y[:half])
        out = np.stack([p[:, 1] for p in model.predict_proba(x[half:])], axis=1)
    else:
        out = model.fit(x[:half], y[:half]).predict_proba(x[half:])
        out = out[:, 1] if case == "binary" else out
    return torch.tensor(out).float(), torch.tensor(y[half:])


def reference(option, case):
    """Return scikit-learn's value on the same predictions."""
    from sklearn import metrics

    p, y = (t.double().numpy() for t in predictions(case))
    if case == "multiclass":
        p = p / p.sum(axis=1, keepdims=True)
    hard = p.argmax(1) if case in ("multiclass", "segmentation") else (p > 0.5).astype(int)
    y, hard = (t.ravel() if case == "segmentation" else t for t in (y, hard))
    average = "binary" if case == "binary" else "macro"
    return {
        "accuracy": lambda: metrics.accuracy_score(y, hard),
        "auc_roc": lambda: metrics.roc_auc_score(y, p, multi_class="ovr"),
        "average_precision": lambda: metrics.average_precision_score(y, p),
        "f1": lambda: metrics.f1_score(y, hard, average=average),
        "precision": lambda: metrics.precision_score(y, hard, average=average),
        "recall": lambda: metrics.recall_score(y, hard, average=average),
        "matthews_corrcoef": lambda: metrics.matthews_corrcoef(y, hard),
        "hamming_loss": lambda: metrics.hamming_loss(y, hard),
        "log_loss": lambda: metrics.log_loss(y, p),
        "iou": lambda: metrics.jaccard_score(y, hard, average="macro"),
        "dice": lambda: metrics.f1_score(y, hard, average="macro"),
        "pixel_accuracy": lambda: metrics.accuracy_score(y, hard),
        "mse": lambda: metrics.mean_squared_error(y, p),
        "rmse": lambda: metrics.root_mean_squared_error(y, p),
        "mae": lambda: metrics.mean_absolute_error(y, p),
        "r2": lambda: metrics.r2_score(y, p),
    }[option]()


def metric(option, case, y):
    """Build the metric for the case's targets."""
    task = "regression" if case.startswith("regression") else case
    known = facts(
        task,
        num_classes={"binary": 2, "multiclass": 10, "segmentation": 10}.get(case, 0),
        num_targets=y.shape[1] if y.ndim == 2 else 1,
    )
    return build("metric", option, task, known=known)


@pytest.mark.parametrize(("option", "case"), CASES)
def test_equals_scikit_learn_over_batches(option, case):
    preds, target = predictions(case)
    counted = metric(option, case, target)
    for batch in zip(preds.split(48), target.split(48), strict=True):
        counted.update(*batch)
    expected = reference(option, case)
    assert abs(expected) > 0
    assert float(counted.compute()) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def _share(rank, folder):
    """Count every case on its share of the samples: a third here, two thirds there."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.set_num_threads(1)
    known = torch.load(f"{folder}/predictions.pt")
    values = []
    for option, case in CASES:
        p, y = known[case]
        counted = metric(option, case, y)
        third = len(y) // 3
        mine = slice(third) if rank == 0 else slice(third, None)
        for batch in zip(p[mine].split(48), y[mine].split(48), strict=True):
            counted.update(*batch)
        values.append(float(counted.compute()))
    torch.save(values, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_with_unequal_shares_equal_scikit_learn(tmp_path, monkeypatch):
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    known = {case: predictions(case) for _, case in CASES}
    torch.save(known, tmp_path / "predictions.pt")
    mp.start_processes(_share, (str(tmp_path),), nprocs=2, start_method="fork")
    expected = [reference(option, case) for option, case in CASES]
    for rank in range(2):
        values = torch.load(tmp_path / f"{rank}.pt")
        assert values == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("level", "spread"), [(2000, 10), (0, 1e-3)])
def test_r2_keeps_its_digits_for_far_and_for_tiny_targets(level, spread):
    from sklearn.metrics import r2_score

    _, y = predictions("regression")
    target = (y - y.mean()) / y.std() * spread + level
    preds = target + spread * torch.linspace(-1, 1, len(y))
    counted = build("metric", "r2", "regression", known=facts("regression", num_targets=1))
    for batch in zip(preds.split(50), target.split(50), strict=True):
        counted.update(*batch)
    expected = r2_score(target.double(), preds.double())
    assert float(counted.compute()) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("error", "expected"), [(0.0, 1.0), (1.0, 0.0)])
def test_r2_of_a_constant_target_is_that_of_scikit_learn(error, expected):
    from sklearn.metrics import r2_score

    target = torch.full((8, 1), 3.0)
    counted = build("metric", "r2", "regression", known=facts("regression", num_targets=1))
    counted.update(target + error, target)
    assert float(counted.compute()) == r2_score(target, target + error) == expected


def test_log_loss_of_a_sure_mistake_is_finite():
    from sklearn.metrics import log_loss

    counted = build("metric", "log_loss", "binary")
    counted.update(torch.tensor([1.0, 0.0]), torch.tensor([0, 0]))
    expected = log_loss([0, 0], np.float32([1.0, 0.0]), labels=[0, 1])
    assert float(counted.compute()) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("option", "case"), CASES)
def test_starts_afresh_after_reset(option, case):
    p, y = predictions(case)
    counted = metric(option, case, y)
    counted.update(1 - p, y)
    counted.reset()
    counted.update(p, y)
    assert float(counted.compute()) == pytest.approx(reference(option, case), rel=1e-6, abs=1e-6)
