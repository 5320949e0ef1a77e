"""Losses that torch lacks: class weights counted from the data, focal and Dice loss.

Like torch's own, every loss takes logits (never probabilities) and targets, and returns the mean
over the batch as a scalar.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from quintet.base.errors import Code, UserError
from quintet.problems import Task, problem_of
from quintet.problems.segmentation import IGNORED


def class_weights(class_counts: Sequence[int]) -> Tensor:
    """Weight each class by n / (C * count), so that all classes count alike and the mean is 1.

    With n samples in C classes; the "balanced" weights of King and Zeng (2001), "Logistic
    Regression in Rare Events Data", as scikit-learn computes them. Float (C,).

    Raises:
        UserError: a class has no training sample, so that its weight would be infinite

    Examples:
        >>> class_weights([30, 10])
        tensor([0.6667, 2.0000])

    """
    _refuse_empty("class", class_counts)
    counts = torch.tensor(class_counts, dtype=torch.float64)
    return (counts.sum() / (len(counts) * counts)).float()


def positive_weights(positives: Sequence[int], train_size: int) -> Tensor:
    """Weight the positives of each label by negatives / positives, so that both count alike.

    Float (L,), for the `pos_weight` of `torch.nn.BCEWithLogitsLoss`.

    Raises:
        UserError: a label has no positive or no negative training sample

    Examples:
        >>> positive_weights([10, 20], train_size=40)
        tensor([3., 1.])

    """
    negatives = [train_size - count for count in positives]
    _refuse_empty("label's positives", positives)
    _refuse_empty("label's negatives", negatives)
    return torch.tensor(negatives) / torch.tensor(positives)


def _refuse_empty(what: str, counts: Sequence[int]) -> None:
    empty = [index for index, count in enumerate(counts) if count < 1]
    if empty or not counts:
        raise UserError(
            f"A weighted loss needs training samples of every {what}; the counts are "
            f"{list(counts)}, with none at {empty}",
            code=Code.INCOMPATIBLE,
            hint="Use an unweighted loss, more data, or another data.seed",
        )


class WeightedCrossEntropy(nn.CrossEntropyLoss):
    """Softmax cross-entropy in which all classes count alike, however rare; see `class_weights`.

    Logits (N, C), targets int64 (N,). The mean is over the weights of the batch, which is
    scikit-learn's `log_loss` with `sample_weight`.
    """

    def __init__(self, class_counts: list[int], label_smoothing: float = 0.0) -> None:
        super().__init__(weight=class_weights(class_counts), label_smoothing=label_smoothing)


class WeightedBCE(nn.BCEWithLogitsLoss):
    """Sigmoid cross-entropy in which positives count as much as negatives, for each label.

    Logits (N, L) and targets float (N, L); L is 1 for a binary task. See `positive_weights`.

    Args:
        class_counts: samples of class 0 and 1 (binary), or positives per label (multilabel)
        train_size: training samples
        task: how to read `class_counts`

    """

    def __init__(self, class_counts: list[int], train_size: int, task: Task) -> None:
        positives = problem_of(task).positives(class_counts)
        super().__init__(pos_weight=positive_weights(positives, train_size))


class Focal(nn.Module):
    """Softmax focal loss: cross-entropy that is down-weighted where the model is already right.

    Mean of (1 - p)^gamma * -ln p, with p the probability of the true class: Lin, Goyal, Girshick,
    He and Dollar (2017), "Focal Loss for Dense Object Detection", extended to C classes.
    Logits (N, C), targets int64 (N,). gamma 0 is cross-entropy.

    Raises:
        UserError: gamma is negative

    """

    def __init__(self, gamma: float = 2.0) -> None:
        super().__init__()
        self.gamma = _checked_gamma(gamma)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Logits (N, C) and classes (N,), or (N, C, H, W) and (N, H, W), to a scalar."""
        entropy = functional.cross_entropy(logits, target, reduction="none")
        faded = _faded(entropy, self.gamma)
        if target.dim() == 1:
            return faded.mean()
        return faded.sum() / (target != IGNORED).sum().clamp_min(1)


class Dice(nn.Module):
    """Soft Dice loss of masks: 1 - twice the overlap over the sum, the mean over classes.

    Milletari, Navab and Ahmadi 2016, "V-Net", extended to C classes and summed over the pixels of
    the whole batch; classes absent from the batch do not count. Logits (N, C, H, W), targets int64
    (N, H, W), `IGNORED` where no class counts.

    Args:
        smooth: added to numerator and denominator, so that an empty overlap has a gradient

    Raises:
        UserError: smooth is negative

    """

    def __init__(self, smooth: float = 1.0) -> None:
        super().__init__()
        if smooth < 0:
            raise UserError(
                "must not be negative", code=Code.OUT_OF_RANGE, key="loss.smooth", value=smooth
            )
        self.smooth = smooth

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Logits (N, C, H, W) and classes (N, H, W) to a scalar."""
        counted = (target != IGNORED)[:, None]
        p = logits.softmax(1) * counted
        true = torch.zeros_like(p).scatter_(1, target.clamp_min(0)[:, None], 1.0) * counted
        pixels = (0, 2, 3)
        members = true.sum(pixels)
        overlap = 2 * (p * true).sum(pixels) + self.smooth
        share = overlap / (p.sum(pixels) + members + self.smooth).clamp_min(1e-12)
        there = members > 0
        return 1 - (share * there).sum() / there.sum().clamp_min(1)


class BinaryFocal(nn.Module):
    """Sigmoid focal loss for each label: the form in the paper cited in `Focal`.

    Logits (N, L), targets float (N, L).

    Args:
        gamma: how strongly easy samples are down-weighted; 0 is binary cross-entropy
        alpha: weight of the positives, and 1 - alpha of the negatives (the paper's detector took
            .25 with gamma 2); None weights both by 1

    Raises:
        UserError: gamma is negative, or alpha is not between 0 and 1

    """

    def __init__(self, gamma: float = 2.0, alpha: float | None = None) -> None:
        super().__init__()
        if alpha is not None and not 0 < alpha < 1:
            raise UserError(
                "must be between 0 and 1",
                code=Code.OUT_OF_RANGE,
                key="loss.alpha",
                value=alpha,
                hint="Use 0.25, or null",
            )
        self.gamma = _checked_gamma(gamma)
        self.alpha = alpha

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Logits (N, L) and zeros and ones (N, L) to a scalar."""
        entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        loss = _faded(entropy, self.gamma)
        if self.alpha is not None:
            loss = loss * (self.alpha * target + (1 - self.alpha) * (1 - target))
        return loss.mean()


def _checked_gamma(gamma: float) -> float:
    if gamma < 0:
        raise UserError(
            "must not be negative",
            code=Code.OUT_OF_RANGE,
            key="loss.gamma",
            value=gamma,
            hint="Use 0 (no focusing) or more; 2 is usual",
        )
    return gamma


def _faded(entropy: Tensor, gamma: float) -> Tensor:
    # 1 - p as -expm1(-entropy) is accurate near p = 1; the floor keeps the slope of
    # 0 ** gamma finite for gamma below 1.
    miss = (-torch.expm1(-entropy)).clamp_min(torch.finfo(entropy.dtype).tiny)
    return entropy * miss**gamma
