"""The geometric mean of the classes' recalls."""

import torch
from torch import Tensor
from torchmetrics import Metric


class GeometricMean(Metric):
    """Geometric mean of the recalls of all classes, from 0 to 1 (best).

    Kubat and Matwin (1997), "Addressing the Curse of Imbalanced Training Sets". One class that is
    never predicted makes it 0, however rare the class is. Classes without a sample do not count.

    Args:
        num_classes: number of classes.

    """

    higher_is_better = True
    full_state_update = False
    right: Tensor
    count: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        for name in ("right", "count"):  # summed over batches and processes
            self.add_state(name, torch.zeros(num_classes), dist_reduce_fx="sum")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Add a batch: probability of class 1 (N,) or of every class (N, C), classes int64 (N,)."""
        chosen = (preds > 0.5).long() if preds.ndim == 1 else preds.argmax(dim=1)
        self.count = self.count + target.bincount(minlength=self.num_classes)
        self.right = self.right + target[chosen == target].bincount(minlength=self.num_classes)

    def compute(self) -> Tensor:
        """Combine the recalls of all samples so far."""
        seen = self.count > 0
        return (self.right[seen] / self.count[seen]).log().mean().exp()
