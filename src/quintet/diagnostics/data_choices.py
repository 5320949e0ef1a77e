"""Initial choices that suit a new data set."""

from torch import Tensor

from quintet.data.samples import Facts

MODELS = {"image": "cnn", "sequence": "gru", "tokens": "gru"}
OUTLIERS = 0.01
"""Share of targets far out from which an error should not be squared."""
FOLDS, FEW = 5, 10_000
"""Folds that validate on every sample in turn, where fewer samples than so many are not test."""


def fitting(facts: Facts, targets: Tensor) -> dict[str, str]:
    """Return the metric, the loss and the model to start with.

    Classes: accuracy and cross-entropy; where one class is so frequent that always predicting it
    scores well, F1 and the weighted loss. Labels: F1 and binary cross-entropy. Numbers: RMSE and
    the mean squared error; with outliers among them MAE and Huber's loss. A table goes to an
    mlp, with categories to one that has embeddings.

    Args:
        facts: of the data.
        targets: of the training split, (N,) or (N, K).

    """
    metric, loss = {
        "multilabel": ("f1", "bce"),
        "regression": ("rmse", "mse"),
    }.get(facts.task, ("accuracy", "cross_entropy"))
    if facts.task in ("binary", "multiclass") and imbalanced(facts.class_counts):
        metric, loss = "f1", "weighted_cross_entropy"
    if facts.task == "regression" and far_out(targets) >= OUTLIERS:
        metric, loss = "mae", "huber"
    model = "tabular" if facts.cardinalities else "mlp"
    return {"metric": metric, "loss": loss, "model": MODELS.get(facts.kind, model)}


def folds(facts: Facts) -> int | None:
    """Return in how many folds to compare models; None where one validation part will do.

    On a tenth of a small table, fewer than 1,000 samples, chance moves an accuracy of .9 by a point
    (its standard error) and more. In 5 or 10 folds the estimate is stable at little bias (Kohavi
    1995, "A study of cross-validation and bootstrap for accuracy estimation and model selection").
    Other kinds of data take too long to train for that, and a series gives its first folds little
    to learn from.
    """
    small = facts.kind == "table" and facts.train_size + facts.val_size < FEW
    return FOLDS if small else None


def imbalanced(counts: list[int]) -> bool:
    """Return whether always predicting the largest class would give a high accuracy."""
    share = max(counts) / max(1, sum(counts))
    return share >= 0.8 or (len(counts) > 2 and share >= 0.5)


def far_out(targets: Tensor) -> float:
    """Return the share of targets (N, K) with a value three quartile ranges outside the quartiles.

    Tukey 1977, "Exploratory data analysis".
    """
    values = targets.double().reshape(len(targets), -1)
    low, high = values.quantile(0.25, dim=0), values.quantile(0.75, dim=0)
    fence = 3 * (high - low)
    return float(((values < low - fence) | (values > high + fence)).any(dim=1).double().mean())
