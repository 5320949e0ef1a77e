"""Metrics that torchmetrics lacks, or computes with less precision than scikit-learn.

All take predictions and targets as in torchmetrics: probabilities (N,), (N, C) or (N, L), or
values (N,) or (N, K). Each accumulates over batches and processes.
"""

from typing import Any

import torch
import torchmetrics
from torch import Tensor
from torchmetrics import Metric

from quintet.problems import Task, problem_of


def accuracy(
    task: Task,
    num_classes: int = 0,
    num_labels: int = 1,
    threshold: float = 0.5,
) -> Metric:
    """Share of the samples predicted correctly, as scikit-learn's `accuracy_score`.

    A multilabel sample is correct if all of its labels are (subset accuracy); the share of correct
    labels is 1 - `hamming_loss`.

    Args:
        task: the kind of target
        num_classes: classes of a multiclass task
        num_labels: labels of a multilabel task
        threshold: probability above which the positive class or label is predicted

    """
    kind: Any = task  # torchmetrics knows the same names
    if problem_of(task).yes_no:
        return torchmetrics.ExactMatch(task=kind, num_labels=num_labels, threshold=threshold)
    return torchmetrics.Accuracy(task=kind, num_classes=num_classes, threshold=threshold)


class RunningMean(Metric):
    """The mean of numbers over batches and processes; NaN if one of them is."""

    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, values: Tensor) -> None:
        """Add numbers of any shape."""
        self.total = self.total + values.sum()
        self.count = self.count + values.numel()

    def compute(self) -> Tensor:
        """Return the mean of all numbers so far."""
        return self.total / self.count


class LogLoss(RunningMean):
    """Mean negative log-likelihood in nats, as scikit-learn's `log_loss`.

    Predictions: probability of class 1 (N,) or of every class (N, C); targets int64 (N,).
    Probabilities are clipped to a float's epsilon from 0 and 1, so that one confident mistake does
    not make the whole score infinite.
    """

    higher_is_better = False

    def update(self, preds: Tensor, target: Tensor) -> None:  # type: ignore[override]
        """Add a batch."""
        if preds.ndim == 1:
            preds = torch.stack([1 - preds, preds], dim=1)
        eps = torch.finfo(preds.dtype).eps
        super().update(-preds.gather(1, target[:, None]).clamp(eps, 1 - eps).log())


class RootMeanSquaredError(torchmetrics.MeanSquaredError):
    """RMSE, averaged over the K targets after the root, as scikit-learn's.

    torchmetrics returns one value per target instead of their mean.
    """

    def __init__(self, num_outputs: int = 1) -> None:
        super().__init__(squared=False, num_outputs=num_outputs)

    def compute(self) -> Tensor:
        """Mean of the targets' root mean squared errors."""
        return super().compute().mean()


class R2Score(Metric):
    """R^2, the mean over K targets of 1 - residual / total variance, as in scikit-learn.

    torchmetrics sums squares in one pass, and treats a total under 1e-4 as zero: in float32 it
    returns .7122 instead of .7108 for 100 years around 2000, and 1 instead of .7 for values of a
    thousandth. Here means and squared deviations of the batches are merged: Chan, Golub and
    LeVeque (1979), "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances".

    A constant target scores 0, or 1 if predicted exactly.
    """

    higher_is_better = True
    full_state_update = False
    mean: Tensor
    deviation: Tensor
    residual: Tensor
    count: Tensor

    def __init__(self, num_outputs: int = 1) -> None:
        super().__init__()
        zeros = torch.zeros(num_outputs)
        # Without a reduction the processes' states arrive stacked, which the merge needs.
        self.add_state("mean", zeros.clone(), dist_reduce_fx=None)
        self.add_state("deviation", zeros.clone(), dist_reduce_fx=None)
        self.add_state("count", torch.tensor(0.0), dist_reduce_fx=None)
        self.add_state("residual", zeros.clone(), dist_reduce_fx="sum")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Add a batch; values (N,) or (N, K)."""
        preds, target = preds.reshape(len(preds), -1), target.reshape(len(target), -1)
        if not len(target):
            return
        mean = target.mean(dim=0)
        deviation = (target - mean).square().sum(dim=0)
        self.count, self.mean, self.deviation = _merged(
            torch.stack([self.count, self.count.new_tensor(len(target))]),
            torch.stack([self.mean, mean]),
            torch.stack([self.deviation, deviation]),
        )
        self.residual = self.residual + (target - preds).square().sum(dim=0)

    def compute(self) -> Tensor:
        """Return the mean over the targets."""
        deviation = self.deviation
        if self.count.ndim:
            _, _, deviation = _merged(self.count, self.mean, deviation)
        constant = (self.residual != 0).float()
        unexplained = torch.where(deviation > 0, self.residual / deviation, constant)
        return (1 - unexplained).mean()


def _merged(count: Tensor, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Merge the counts (P,), means (P, K) and squared deviations (P, K) of P parts into one."""
    total = count.sum()
    weight = count[:, None]
    merged = mean[0] + (weight * (mean - mean[0])).sum(dim=0) / total.clamp_min(1)
    between = (weight * (mean - merged).square()).sum(dim=0)
    return total, merged, deviation.sum(dim=0) + between
