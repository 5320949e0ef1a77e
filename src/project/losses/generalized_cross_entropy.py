"""Generalized cross-entropy, between cross-entropy and the mean absolute error."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from quintet.base.errors import Code, UserError


class GeneralizedCrossEntropy(nn.Module):
    """Mean of (1 - p^q) / q, with p the probability of the true class.

    Zhang and Sabuncu (2018), "Generalized Cross Entropy Loss for Training Deep Neural Networks with
    Noisy Labels". As q approaches 0 it is cross-entropy, at 1 the mean absolute error, which a few
    wrong labels cannot pull far. Logits (N, C), targets int64 (N,), a scalar out.

    Args:
        q: above 0 and at most 1; the paper uses 0.7.

    Raises:
        UserError: a q that is out of range.

    """

    def __init__(self, q: float = 0.7) -> None:
        super().__init__()
        if not 0 < q <= 1:
            raise UserError(
                "is out of range",
                code=Code.OUT_OF_RANGE,
                key="loss.q",
                value=q,
                hint="Give a number above 0 and at most 1.",
            )
        self.q = q

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Logits (N, C) and classes (N,) to a scalar."""
        log_p = -functional.cross_entropy(logits, target, reduction="none")
        return (-torch.expm1(self.q * log_p) / self.q).mean()  # expm1: exact near p = 1
