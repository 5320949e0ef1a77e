"""LeCun init: weights that preserve the variance of a signal."""

from math import sqrt

from torch import Tensor, nn


def new_option(weight: Tensor, cut: float = 2.0) -> Tensor:
    """Fill `weight` in place from a truncated normal of variance 1 / fan-in.

    LeCun et al. (1998), "Efficient BackProp", section 4.6; the choice for SELU (Klambauer et al.,
    2017). `quintet.options.inits.Init` calls it once for each matrix, and multiplies by the gain.

    Args:
        weight: (outputs, inputs, ...); fan-in is the number of weights per output.
        cut: number of standard deviations at which the normal is truncated.

    Returns:
        the same tensor, as the functions of `torch.nn.init` do

    """
    std = sqrt(1 / weight[0].numel())
    return nn.init.trunc_normal_(weight, std=std, a=-cut * std, b=cut * std)
