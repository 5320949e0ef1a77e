"""A multilayer perceptron with maxout units."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from quintet.options.models.layers import FlatInput, at_least, dropout_rate


class Maxout(nn.Module):
    """Hidden layers whose units are the largest of several linear functions.

    Goodfellow et al. (2013), "Maxout Networks". Each unit learns its own convex activation, so
    there is none to choose. Shapes: (N, *input_shape) -> (N, num_outputs), raw logits or values.

    Args:
        input_shape: shape of one sample.
        num_outputs: numbers the loss wants per sample.
        cardinalities: number of codes of each trailing categorical column of a table; these
            columns enter one-hot.
        width: units of every hidden layer.
        depth: number of hidden layers.
        pieces: linear functions a unit chooses from.
        dropout: share of each layer's units to drop while training.

    Raises:
        UserError: an impossible width, depth, number of pieces or dropout.

    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        cardinalities: Sequence[int] = (),
        width: int = 64,
        depth: int = 2,
        pieces: int = 2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        at_least("width", width)
        self.pieces = at_least("pieces", pieces)
        self.flat = FlatInput(input_shape, cardinalities)
        sizes = [self.flat.size, *[width] * at_least("depth", depth)]
        self.hidden = nn.ModuleList(
            nn.Linear(before, after * pieces) for before, after in pairwise(sizes)
        )
        self.dropout = nn.Dropout(dropout_rate(dropout))
        # Named head: the init scales it, and transfer replaces it.
        self.head = nn.Linear(width, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, *input_shape) to (N, num_outputs)."""
        hidden = self.flat(x)
        for layer in self.hidden:
            pieces = torch.unflatten(layer(hidden), 1, (-1, self.pieces))
            hidden = self.dropout(pieces.amax(dim=2))
        outputs: Tensor = self.head(hidden)
        return outputs
