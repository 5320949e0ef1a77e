"""The Brier score, which measures accuracy and calibration of probabilities."""

import torch
from torch import Tensor
from torchmetrics import Metric


class NewOption(Metric):
    """Mean squared distance of the probabilities from the truth, 0 (best) to 1.

    Brier (1950), "Verification of Forecasts Expressed in Terms of Probability", halved, so that it
    equals scikit-learn's `brier_score_loss` for two classes. It is exact over batches and over
    processes.
    """

    higher_is_better = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Add a batch: probability of class 1 (N,) or of every class (N, C), classes int64 (N,)."""
        if preds.ndim == 1:
            preds = torch.stack([1 - preds, preds], dim=1)
        truth = torch.nn.functional.one_hot(target, preds.shape[1])
        self.total = self.total + (preds - truth).square().sum() / 2
        self.count = self.count + len(target)

    def compute(self) -> Tensor:
        """Mean over all samples so far."""
        return self.total / self.count
