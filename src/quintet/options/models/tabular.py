"""An embedding model for tables that mix categorical and numeric columns."""

from collections.abc import Sequence
from math import ceil

import torch
from torch import Tensor, nn

from quintet.options.models.layers import at_least, dimensions, dropout_rate, layer_widths
from quintet.options.models.mlp import hidden_layers


class Tabular(nn.Module):
    """One learned embedding per categorical column, alongside the numeric columns, into an MLP.

    Source: Guo & Berkhahn 2016, "Entity embeddings of categorical variables".

    Shapes: (N, F) -> (N, num_outputs), raw logits or values.

    Args:
        input_shape: (F,), numeric columns first, then one column of codes per category.
        num_outputs: number of outputs per sample.
        cardinalities: number of codes of each trailing categorical column.
        embedding: size of every embedding; None takes half the number of codes, at most 50
            (the rule of the fast.ai course).
        width: units of every hidden layer, or a list with one width per layer.
        depth: number of hidden layers; None for the length of the list, or 2.
        activation: name of the activation, see `layers.ACTIVATIONS`.
        batch_norm: normalise before each activation.
        dropout: dropout probability of embedded and hidden units.

    Raises:
        UserError: an impossible embedding, width, depth, activation or dropout.

    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        cardinalities: Sequence[int] = (),
        embedding: int | None = None,
        width: int | Sequence[int] = 128,
        depth: int | None = None,
        activation: str = "relu",
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        (columns,) = dimensions(input_shape, ["columns"])
        widths = layer_widths(width, depth, default_depth=2)
        if embedding is not None:
            at_least("embedding", embedding)
        sizes = [embedding or min(50, ceil(codes / 2)) for codes in cardinalities]
        self.numeric = columns - len(cardinalities)
        self.embeddings = nn.ModuleList(map(nn.Embedding, cardinalities, sizes))
        self.dropout = nn.Dropout(dropout_rate(dropout))
        self.hidden = hidden_layers(
            self.numeric + sum(sizes), widths, activation, batch_norm, dropout
        )
        self.head = nn.Linear(widths[-1], num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, F) to (N, num_outputs)."""
        parts = [x[:, : self.numeric]]
        for column, embed in enumerate(self.embeddings, start=self.numeric):
            parts.append(self.dropout(embed(x[:, column].long())))
        outputs: Tensor = self.head(self.hidden(torch.cat(parts, dim=1)))
        return outputs
