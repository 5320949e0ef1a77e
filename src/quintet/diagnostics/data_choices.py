"""Initial choices for a new data set."""

from torch import Tensor

from quintet.data.samples import Facts
from quintet.data.scaling.target_transform import less_skewed
from quintet.problems import problem_of

MODELS = {"image": "cnn", "sequence": "gru", "tokens": "gru"}
FOLDS, FEW, FEW_A_SECOND = 5, 10_000, 10
"""Number of folds for data with fewer than `FEW` samples outside the test split; and the maximum
samples per second of a sweep's time, above which folds would leave time for only a few models."""
STEPS, MOST_EPOCHS = 1_500, 100
"""Minimum optimizer steps of a model for a small table, within a maximum number of epochs."""


def fitting(facts: Facts, targets: Tensor) -> dict[str, str]:
    """Return a suitable metric, loss and model to start with.

    Classes: accuracy and cross-entropy; if one class is so frequent that always predicting it
    scores well, F1 and the weighted loss. Labels: F1 and binary cross-entropy. Numbers: RMSE and
    the mean squared error; with outliers, MAE and the Huber loss. Tables: an MLP, which has
    embeddings if there are categories.

    Args:
        facts: facts of the data.
        targets: targets of the training split, (N,) or (N, K).

    """
    chosen = problem_of(facts.task).choices(facts.class_counts, targets)
    model = "tabular" if facts.cardinalities else "mlp"
    return {"model": MODELS.get(facts.kind, model)} | chosen


def transform(facts: Facts, targets: Tensor) -> str:
    """Return the logarithm to train on, `log` or `log1p`; "" where the targets are not skewed.

    Args:
        facts: of the data.
        targets: of the training split, (N,) or (N, K).

    """
    one_value = problem_of(facts.task).standardised and facts.num_targets == 1
    if facts.kind != "table" or not one_value:
        return ""
    return less_skewed(targets.double().flatten().numpy())


def epochs(facts: Facts, batch_size: int, usual: int) -> int:
    """Return a suitable number of epochs: `usual`, or more for a small table.

    For a few hundred rows, thirty epochs are too few steps for any schedule.
    """
    if facts.kind != "table":
        return usual
    steps = max(1, facts.train_size // batch_size)
    return max(usual, min(MOST_EPOCHS, STEPS // steps))


def folds(facts: Facts, seconds: float | None = None) -> int | None:
    """Return the number of folds for comparing models; None if one validation split is enough.

    On a tenth of a small table, fewer than 1,000 samples, the standard error of an accuracy of 0.9
    is one percentage point or more. With 5 or 10 folds the estimate is stable and has little bias
    (Kohavi 1995, "A study of cross-validation and bootstrap for accuracy estimation and model
    selection"). Other kinds of data take too long to train, and the first folds of a series have
    little training data. In a short time, many models on one split are better than few models on
    five: the ensemble averages out the noise of the selection.

    Args:
        facts: facts of the data.
        seconds: time limit of the sweep; None without a limit.

    """
    few = FEW if seconds is None else min(FEW, FEW_A_SECOND * seconds)
    small = facts.kind == "table" and facts.train_size + facts.val_size < few
    return FOLDS if small else None
