"""Classes that exclude each other."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from quintet.problems.exclusive_classes import ExclusiveClasses
from quintet.problems.problem import Array

if TYPE_CHECKING:
    from torch import Tensor


class Multiclass(ExclusiveClasses):
    """Predictions: probabilities of C classes, (N, C), that sum to 1."""

    name = "multiclass"
    answer_dims = 2
    reported = ("accuracy", "f1", "log_loss")
    sections = ("confusion", "classes")
    takes_one_hot = True
    example: ClassVar = [0, 1, 2, 1]

    def highest(self, count: int) -> int:
        """Return the last of `count` classes."""
        return count - 1

    def predictions(self, outputs: "Tensor") -> "Tensor":
        """Turn logits (N, C) into probabilities (N, C)."""
        return outputs.softmax(1)

    def decided(self, predicted: Array) -> Array:
        """Return the most probable class, (N,)."""
        return np.asarray(predicted.argmax(1))

    def members(self, classes: Array, predicted: Array) -> Array:
        """Return the class of each sample as zeros and ones, (N, C)."""
        return np.asarray(classes[:, None] == np.arange(predicted.shape[1]))

    def likelihood(self, predicted: "Tensor", truth: "Tensor") -> float:
        """Return the mean log-likelihood."""
        import torch
        from torch.nn import functional

        tiny = torch.finfo(predicted.dtype).tiny
        return -float(functional.nll_loss(predicted.clamp_min(tiny).log(), truth))


PROBLEM = Multiclass()
