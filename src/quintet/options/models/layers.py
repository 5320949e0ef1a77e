"""Components shared by several models: activations, argument checks, a flattening input."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from quintet.base.errors import Code, UserError

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "identity": nn.Identity,
}
"""The available activations by name, with torch's own defaults."""


def make_activation(name: str) -> nn.Module:
    """Build the activation named `name`.

    Raises:
        UserError: there is no such activation.

    """
    if name not in ACTIVATIONS:
        raise UserError(
            "is not an activation",
            code=Code.UNKNOWN_NAME,
            key="model.activation",
            value=name,
            allowed=ACTIVATIONS,
        )
    return ACTIVATIONS[name]()


def at_least(name: str, value: int, minimum: int = 1) -> int:
    """Return `value` if it is an integer of at least `minimum`, else raise UserError."""
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise UserError(
            f"must be an integer of at least {minimum}",
            code=Code.OUT_OF_RANGE,
            key=f"model.{name}",
            value=value,
        )
    return value


def dropout_rate(value: float) -> float:
    """Return `value` if it is a dropout probability, 0 <= value < 1, else raise UserError."""
    if not 0 <= value < 1:
        raise UserError(
            "must be at least 0 and less than 1: it is the fraction of units to drop",
            code=Code.OUT_OF_RANGE,
            key="model.dropout",
            value=value,
            hint="Set model.dropout=0 for none; 0.1 to 0.5 are usual",
        )
    return value


def layer_widths(
    width: int | Sequence[int], depth: int | None, default_depth: int, growth: int = 1
) -> list[int]:
    """Return the width of each of `depth` layers.

    Args:
        width: one number for all layers (times `growth` from each layer to the next), or a list
            with one width per layer.
        depth: number of layers; None for the length of the list, or `default_depth`.
        default_depth: the depth of a model whose width is one number and whose depth is None.
        growth: factor from one layer to the next if `width` is one number.

    Raises:
        UserError: a width or depth under 1, or a list whose length is not `depth`.

    Examples:
        >>> layer_widths(64, depth=2, default_depth=1)
        [64, 64]
        >>> layer_widths([64, 32, 16], depth=None, default_depth=1)
        [64, 32, 16]

    """
    if depth is not None:
        at_least("depth", depth)
    if isinstance(width, Sequence):
        widths = [at_least("width", each) for each in width]
        if not widths or depth not in (None, len(widths)):
            raise UserError(
                f"gives {len(widths)} layers, but model.depth={depth}",
                code=Code.CONFLICT,
                key="model.width",
                value=widths,
                hint="Give one width per layer, or leave model.depth=null, or give a single width",
            )
        return widths
    at_least("width", width)
    return [width * growth**layer for layer in range(depth or default_depth)]


def dimensions(input_shape: Sequence[int], names: Sequence[str]) -> list[int]:
    """Return the sizes of one sample whose dimensions are `names`, else raise UserError."""
    shape = list(input_shape)
    if len(shape) != len(names):
        raise UserError(
            f"This model takes samples of shape ({', '.join(names)}), but the data has "
            f"samples of shape {tuple(shape)}",
            code=Code.INCOMPATIBLE,
            hint="Choose a model that fits the data, for instance model=mlp",
        )
    return shape


def check_batch(model: nn.Module, size: int) -> None:
    """Reject training batches of one sample for models with batch norm.

    Raises:
        UserError: such a model, with what to change.

    """
    norms = nn.modules.batchnorm._BatchNorm
    if size == 1 and any(isinstance(module, norms) for module in model.modules()):
        raise UserError(
            "Batch norm needs training batches of at least two samples, but these have one",
            code=Code.INCOMPATIBLE,
            hint="Set data.batch_size=2 or more (or data.fraction larger), or "
            "model.batch_norm=false",
        )


class FlatInput(nn.Module):
    """Turn a batch of samples of any shape into vectors of `size` numbers.

    The trailing columns of a table that hold categorical codes become one-hot columns, including
    the unknown code 0, so that no order of the categories is implied.

    Shapes: (N, *input_shape) -> (N, size).

    Args:
        input_shape: shape of one sample.
        cardinalities: number of codes of each trailing categorical column of a table.

    """

    columns: Tensor
    codes: Tensor

    def __init__(self, input_shape: Sequence[int], cardinalities: Sequence[int] = ()) -> None:
        super().__init__()
        self.numeric = prod(input_shape) - len(cardinalities)
        self.size = self.numeric + sum(cardinalities)
        self.categorical = len(cardinalities) > 0
        # One entry per one-hot column: its input column and its code.
        columns = [self.numeric + i for i, size in enumerate(cardinalities) for _ in range(size)]
        codes = [code for size in cardinalities for code in range(size)]
        self.register_buffer("columns", torch.tensor(columns, dtype=torch.long), persistent=False)
        self.register_buffer("codes", torch.tensor(codes, dtype=torch.long), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Flatten `x` (N, *input_shape) to (N, size)."""
        x = x.flatten(1)
        if not self.categorical:
            return x
        one_hot = x[:, self.columns].long() == self.codes
        return torch.cat([x[:, : self.numeric], one_hot.to(x.dtype)], dim=1)
