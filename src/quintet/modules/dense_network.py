"""A small network of dense layers, for modules that define their own."""

from collections.abc import Callable

from torch import nn


def dense_network(
    inputs: int, width: int, outputs: int, activation: Callable[[], nn.Module]
) -> nn.Sequential:
    """Return two hidden layers and a linear output: (N, inputs) -> (N, outputs)."""
    return nn.Sequential(
        nn.Linear(inputs, width),
        activation(),
        nn.Linear(width, width),
        activation(),
        nn.Linear(width, outputs),
    )
