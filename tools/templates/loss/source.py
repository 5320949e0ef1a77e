"""Poly-1 loss: cross-entropy with a weight of its own for the first polynomial term."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class NewOption(nn.Module):
    """Mean of -ln p + epsilon (1 - p), with p the probability of the true class.

    Leng et al. (2022), "PolyLoss: A Polynomial Expansion Perspective of Classification Loss
    Functions". Logits (N, C), targets int64 (N,), a scalar out. epsilon 0 is cross-entropy.

    Args:
        epsilon: added to the weight of the first term; from -1, which drops it, to about 5.

    """

    def __init__(self, epsilon: float = 1.0) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (N, C) and classes (N,), a scalar."""
        entropy = functional.cross_entropy(logits, target, reduction="none")
        miss = -torch.expm1(-entropy)  # 1 - p, exact near p = 1
        return (entropy + self.epsilon * miss).mean()
