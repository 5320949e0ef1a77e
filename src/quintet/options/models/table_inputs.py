"""Turns the columns of a table into the input features of RealMLP and TabM."""

from collections.abc import Sequence
from math import pi, sqrt

import torch
from torch import Tensor, nn

from quintet.base.errors import Code, UserError
from quintet.options.models.layers import at_least, dimensions

ONE_HOT = 8
"""Categorical columns with more codes are embedded, others are one-hot encoded."""
CLIP = 3.0
"""Absolute value that smooth clipping approaches, in scaled units."""


class TableInputs(nn.Module):
    """Periodic embeddings of numbers; categories one-hot, or embedded if there are many.

    Shapes: (N, F) -> (N, size).

    Args:
        input_shape: (F,), numeric columns first, then one column of codes per category.
        cardinalities: number of codes of each trailing categorical column.
        frequencies: of the periodic embedding of each number; 0 for none.
        frequency_scale: standard deviation of the initial frequencies.
        embedding: size of the embedding of a categorical column with many codes.

    Raises:
        UserError: an impossible frequency or embedding.

    """

    def __init__(
        self,
        input_shape: Sequence[int],
        cardinalities: Sequence[int],
        frequencies: int,
        frequency_scale: float,
        embedding: int,
    ) -> None:
        super().__init__()
        (columns,) = dimensions(input_shape, ["columns"])
        at_least("frequencies", frequencies, 0)
        self.numeric = columns - len(cardinalities)
        self.numbers = NumericEmbedding(self.numeric, frequencies, frequency_scale)
        self.categories = nn.ModuleList(_category(codes, embedding) for codes in cardinalities)
        numbers = [self.numbers.size // max(1, self.numeric)] * self.numeric
        self.widths = [*numbers, *(int(each.embedding_dim) for each in self.categories)]  # type: ignore[arg-type]
        """Features of each column."""
        self.size = sum(self.widths)

    def forward(self, x: Tensor) -> Tensor:
        """Turn rows `x` (N, F) into features (N, size)."""
        parts = [self.numbers(x[:, : self.numeric])]
        for column, embed in enumerate(self.categories, start=self.numeric):
            parts.append(embed(x[:, column].long()))
        return torch.cat(parts, dim=1)


class NumericEmbedding(nn.Module):
    """Smooth clipping, then a periodic embedding of each number, concatenated with the number.

    The embedding is PBLD of the RealMLP paper: cosines of learnable frequencies, a linear layer
    for each column, and the number concatenated; the idea of periodic activations is from
    Gorishniy et al. 2022, "On embeddings for numerical features in tabular deep learning".

    Shapes: (N, columns) -> (N, size).

    Args:
        columns: numbers per row.
        frequencies: cosines per number; 0 for the clipped numbers only.
        scale: standard deviation of the initial frequencies.
        outputs: features per number, in addition to the number itself.

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


class OneHot(nn.Module):
    """One-hot encoding of codes, with the interface of an embedding.

    Shapes: (N,) -> (N, codes).

    Args:
        codes: number of codes.

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
