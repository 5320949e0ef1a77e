"""Initial choices that suit a new data set."""

from torch import Tensor

from quintet.data.samples import Facts
from quintet.data.scaling.target_transform import less_skewed
from quintet.problems import problem_of

MODELS = {"image": "cnn", "sequence": "gru", "tokens": "gru"}
FOLDS, FEW, FEW_A_SECOND = 5, 10_000, 10
"""Folds that validate on every sample in turn, where fewer samples than so many are not test; and
samples for each second of a sweep's time, of which more would leave time for a few models only."""
STEPS, MOST_EPOCHS = 1_500, 100
"""Optimizer steps that a model of a small table takes at least, as far as so many epochs allow."""


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
    """Return how many epochs suit a data set: of a small table more than the `usual` ones.

    Thirty epochs of a few hundred rows are too few steps for any schedule.
    """
    if facts.kind != "table":
        return usual
    steps = max(1, facts.train_size // batch_size)
    return max(usual, min(MOST_EPOCHS, STEPS // steps))


def folds(facts: Facts, seconds: float | None = None) -> int | None:
    """Return in how many folds to compare models; None where one validation part will do.

    On a tenth of a small table, fewer than 1,000 samples, chance moves an accuracy of .9 by a point
    (its standard error) and more. In 5 or 10 folds the estimate is stable at little bias (Kohavi
    1995, "A study of cross-validation and bootstrap for accuracy estimation and model selection").
    Other kinds of data take too long to train for that, and a series gives its first folds little
    to learn from. In little time many models on one part beat few models on five: the noise of
    the choice is averaged out by the ensemble.

    Args:
        facts: of the data.
        seconds: of the sweep; None without a limit.

    """
    few = FEW if seconds is None else min(FEW, FEW_A_SECOND * seconds)
    small = facts.kind == "table" and facts.train_size + facts.val_size < few
    return FOLDS if small else None
