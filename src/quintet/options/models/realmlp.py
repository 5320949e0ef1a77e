"""RealMLP: a multilayer perceptron with the components that help most on tables."""

from collections.abc import Sequence
from math import pi, sqrt

import torch
from torch import Tensor, nn

from quintet.base.errors import Code, UserError
from quintet.options.models.layers import (
    at_least,
    dimensions,
    dropout_rate,
    layer_widths,
    make_activation,
)

ONE_HOT = 8
"""A categorical column with more codes than this is embedded, one with fewer enters one-hot."""
CLIP = 3.0
"""Limit of the absolute values that smooth clipping approaches, in scaled units."""


class RealMLP(nn.Module):
    """The architecture of RealMLP-TD, with torch's parametrization of linear layers.

    Numbers are clipped smoothly and each gets a periodic embedding; a learnable factor per input
    feature weighs features against each other; activations are blended with the identity by a
    learnable share. The paper's training recipe is `experiment=table`: AdamW with beta2 = 0.95,
    a cosine schedule and label smoothing. Its multi-cycle schedule, per-layer learning rates and
    the decay of dropout and weight decay during training are left out.

    Source: Holzmüller, Grinsztajn & Steinwart 2024, "Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data".

    Shapes: (N, F) -> (N, num_outputs), raw logits or values.

    Args:
        input_shape: (F,), numeric columns first, then one column of codes per category.
        num_outputs: numbers the loss wants per sample.
        cardinalities: number of codes of each trailing categorical column.
        width: units of every hidden layer, or a list with one width a layer.
        depth: number of hidden layers; None takes the length of the list, or 3.
        activation: name of the activation, see `layers.ACTIVATIONS`.
        dropout: share of hidden units to drop while training.
        frequencies: of the periodic embedding of each number; 0 for none.
        frequency_scale: standard deviation of the initial frequencies.
        embedding: size of the embedding of a categorical column with many codes.

    Raises:
        UserError: an impossible width, depth, activation, dropout, frequency or embedding.

    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        cardinalities: Sequence[int] = (),
        width: int | Sequence[int] = 256,
        depth: int | None = None,
        activation: str = "selu",
        dropout: float = 0.15,
        frequencies: int = 16,
        frequency_scale: float = 0.1,
        embedding: int = 8,
    ) -> None:
        super().__init__()
        (columns,) = dimensions(input_shape, ["columns"])
        widths = layer_widths(width, depth, default_depth=3)
        at_least("frequencies", frequencies, 0)
        self.numeric = columns - len(cardinalities)
        self.numbers = NumericEmbedding(self.numeric, frequencies, frequency_scale)
        self.categories = nn.ModuleList(_category(codes, embedding) for codes in cardinalities)
        size = self.numbers.size + sum(each.embedding_dim for each in self.categories)  # type: ignore[misc]
        self.scale = nn.Parameter(torch.ones(size))
        self.hidden = _hidden(size, widths, activation, dropout)
        self.head = nn.Linear(widths[-1], num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, F) to (N, num_outputs)."""
        parts = [self.numbers(x[:, : self.numeric])]
        for column, embed in enumerate(self.categories, start=self.numeric):
            parts.append(embed(x[:, column].long()))
        outputs: Tensor = self.head(self.hidden(torch.cat(parts, dim=1) * self.scale))
        return outputs


class NumericEmbedding(nn.Module):
    """Smooth clipping, then a periodic embedding of each number next to the number itself.

    The embedding is PBLD of the RealMLP paper: cosines of learnable frequencies, a linear layer
    for each column, and the number concatenated; the idea of periodic activations is from
    Gorishniy et al. 2022, "On embeddings for numerical features in tabular deep learning".

    Shapes: (N, columns) -> (N, size).

    Args:
        columns: how many numbers a row has.
        frequencies: cosines per number; 0 leaves the clipped numbers alone.
        scale: standard deviation of the initial frequencies.
        outputs: features per number beside the number itself.

    """

    def __init__(self, columns: int, frequencies: int, scale: float, outputs: int = 3) -> None:
        super().__init__()
        if scale <= 0:
            raise UserError(
                "must be greater than 0",
                code=Code.OUT_OF_RANGE,
                key="model.frequency_scale",
                value=scale,
            )
        self.size = columns * (1 + outputs) if frequencies else columns
        self.frequency: nn.Parameter | None = None
        if frequencies:
            self.frequency = nn.Parameter(torch.randn(columns, frequencies) * scale)
            self.phase = nn.Parameter((2 * torch.rand(columns, frequencies) - 1) * pi)
            bound = 1 / sqrt(frequencies)
            self.weight = nn.Parameter(
                torch.empty(columns, frequencies, outputs).uniform_(-bound, bound)
            )
            self.bias = nn.Parameter(torch.zeros(columns, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Embed `x` (N, columns) as (N, size)."""
        x = x / (1 + (x / CLIP) ** 2).sqrt()
        if self.frequency is None:
            return x
        waves = (2 * pi * x[..., None] * self.frequency + self.phase).cos()
        mixed = torch.einsum("ncf,cfo->nco", waves, self.weight) + self.bias
        return torch.cat([x[..., None], mixed], dim=2).flatten(1)


class ParametricActivation(nn.Module):
    """An activation blended with the identity by a learnable share of each unit.

    Shapes: (N, units) -> (N, units).

    Args:
        units: of the layer.
        activation: name of the activation.

    """

    def __init__(self, units: int, activation: str) -> None:
        super().__init__()
        self.activation = make_activation(activation)
        self.share = nn.Parameter(torch.ones(units))

    def forward(self, x: Tensor) -> Tensor:
        """Apply to `x` (N, units)."""
        return torch.lerp(x, self.activation(x), self.share)


class OneHot(nn.Module):
    """Codes as one-hot rows, with the size of an embedding.

    Shapes: (N,) -> (N, codes).

    Args:
        codes: how many there are.

    """

    def __init__(self, codes: int) -> None:
        super().__init__()
        self.embedding_dim = codes

    def forward(self, x: Tensor) -> Tensor:
        """Encode `x` (N,)."""
        return nn.functional.one_hot(x, self.embedding_dim).float()


def _category(codes: int, embedding: int) -> nn.Module:
    if codes <= ONE_HOT:
        return OneHot(codes)
    return nn.Embedding(codes, at_least("embedding", embedding))


def _hidden(inputs: int, widths: Sequence[int], activation: str, dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip([inputs, *widths], widths, strict=False):
        layers += [
            nn.Linear(fan_in, fan_out),
            ParametricActivation(fan_out, activation),
            nn.Dropout(dropout_rate(dropout)),
        ]
    return nn.Sequential(*layers)
