"""Two classes that exclude each other; class 1 is the positive one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from quintet.problems.exclusive_classes import ExclusiveClasses
from quintet.problems.problem import Array, Floats

if TYPE_CHECKING:
    from torch import Tensor


class Binary(ExclusiveClasses):
    """Predictions: the probability of class 1, (N,), from one logit or two."""

    name = "binary"
    answer_dims = 1
    most_classes = 2
    example: ClassVar = [0, 1, 1, 0]
    reported = ("accuracy", "f1", "auc_roc", "log_loss")
    sections = ("confusion", "ranking", "classes")

    def positives(self, class_counts: Sequence[int]) -> Sequence[int]:
        """Return the number of positives, of class 1."""
        return class_counts[1:]

    def highest(self, count: int) -> int:
        """Return 1."""
        return 1

    def predictions(self, outputs: "Tensor") -> "Tensor":
        """Turn (N, 1) or (N, 2) logits into probabilities of class 1, (N,)."""
        return outputs[:, 0].sigmoid() if outputs.shape[1] == 1 else outputs.softmax(1)[:, 1]

    def loss_target(self, outputs: "Tensor", y: "Tensor") -> "Tensor":
        """Return classes (N,), or zeros and ones (N, 1) for a single logit."""
        return y.to(outputs.dtype).unsqueeze(1) if outputs.shape[1] == 1 else y

    def decided(self, predicted: Array) -> Array:
        """Return the more probable class, (N,)."""
        return (predicted > 0.5) * 1

    def probabilities(self, predicted: Array) -> Floats:
        """Return the probabilities of both classes, (N, 2)."""
        p = predicted.astype(np.float64)
        return np.stack([1 - p, p], axis=1)

    def members(self, classes: Array, predicted: Array) -> Array:
        """Return whether samples are positive, (N, 1)."""
        return classes[:, None]

    def scores(self, predicted: Array) -> Array:
        """Return the probability of class 1, (N, 1)."""
        return predicted[:, None]

    def likelihood(self, predicted: "Tensor", truth: "Tensor") -> float:
        """Return the mean log-likelihood."""
        from torch.nn import functional

        return -float(functional.binary_cross_entropy(predicted, truth.to(predicted.dtype)))

    def baseline_predictions(self, model: Any, inputs: Array, num_classes: int) -> Array:
        """Return the probability of class 1."""
        return super().baseline_predictions(model, inputs, num_classes)[:, 1]


PROBLEM = Binary()
