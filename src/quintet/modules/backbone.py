"""A model without its last layer: features for other heads."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def without_head(model: nn.Module, input_shape: Sequence[int]) -> int:
    """Remove a model's layer `head`, which all models of this project have, and return the rest.

    The features of a model without one are its outputs.

    Args:
        model: changed in place. The names of its other layers stay, so that a supervised run can
            start from them (`model.weights=`).
        input_shape: of a sample.

    Returns:
        the number of features.

    """
    if isinstance(getattr(model, "head", None), nn.Module):
        model.head = nn.Identity()
    training = model.training
    with torch.no_grad():
        features: Tensor = model.eval()(torch.zeros(2, *input_shape))
    model.train(training)
    return features.shape[1]
