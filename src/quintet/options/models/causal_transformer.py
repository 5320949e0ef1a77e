"""A causal transformer: logits of the token after each one, from those before it."""

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from quintet.base.errors import Code, UserError
from quintet.options.models.layers import at_least, dropout_rate

MULTIPLIER = 1_000_003
"""Of the hash of several tokens."""


class CausalTransformer(nn.Module):
    """A decoder-only transformer with layer norm before each sublayer.

    Vaswani et al., 2017, "Attention is all you need"; Radford et al., 2019, "Language models are
    unsupervised multitask learners", whose initialisation it takes. With `ngrams`, the embeddings
    of the n-grams that end with a token are added to its own, from hashed tables (Pagnoni et al.,
    2024, "Byte latent transformer", section 3.2.1); on a small text they overfit.

    Shapes: (N, T) token ids -> (N, T, vocabulary) logits; a batch may have fewer tokens than
    `input_shape`, not more.

    Args:
        input_shape: (T,), the tokens that are read at once.
        vocabulary: number of token ids.
        width: embedding dimension, a multiple of `heads`.
        depth: number of layers.
        heads: attention heads of a layer.
        dropout: dropout probability of the features.
        ngrams: lengths of the n-grams that have their own embeddings.
        table: rows of each table of n-grams.

    Raises:
        UserError: a setting is out of range, or the heads do not divide the width.

    """

    def __init__(
        self,
        input_shape: Sequence[int],
        vocabulary: int,
        width: int = 128,
        depth: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
        ngrams: Sequence[int] = (),
        table: int = 8192,
    ) -> None:
        super().__init__()
        if at_least("width", width) % at_least("heads", heads):
            raise UserError(
                f"is not a multiple of model.heads={heads}",
                code=Code.INCOMPATIBLE,
                key="model.width",
                value=width,
                hint=f"Set model.width={-(-width // heads) * heads}.",
            )
        (length,) = input_shape
        self.ngrams, self.table = list(ngrams), at_least("table", table)
        self.tokens = nn.Embedding(vocabulary, width)
        self.grams = nn.ModuleList(nn.Embedding(table, width) for _ in ngrams)
        self.positions_table = nn.Embedding(length, width)
        self.dropout = nn.Dropout(dropout_rate(dropout))
        self.layers = nn.ModuleList(
            CausalLayer(width, heads, dropout) for _ in range(at_least("depth", depth))
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self._initialise(depth)

    def _initialise(self, depth: int) -> None:
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                scale = 0.02 / math.sqrt(2 * depth) if name.endswith("out.weight") else 0.02
                nn.init.normal_(parameter, std=scale)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        self.head.weight = self.tokens.weight

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits of the next token at each position, (N, T, V), for token ids (N, T)."""
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.tokens(ids) + self.positions_table(places)
        for n, embedding in zip(self.ngrams, self.grams, strict=True):
            x = x + embedding(self._hashed(ids, n))
        x = self.dropout(x)
        for layer in self.layers:
            x = layer(x)
        return cast(Tensor, self.head(self.norm(x)))

    def _hashed(self, ids: Tensor, n: int) -> Tensor:
        """Return the row of the n-gram that ends at each position, (N, T)."""
        code = ids
        for back in range(1, n):
            earlier = nn.functional.pad(ids, (back, 0))[:, : ids.shape[1]]
            code = (code * MULTIPLIER + earlier + 1) % (2**31 - 1)
        return code % self.table


class CausalLayer(nn.Module):
    """Causal self-attention, then a feed-forward part, each with a residual connection.

    Shapes: (N, T, width) -> (N, T, width).

    Args:
        width: embedding dimension.
        heads: attention heads, which divide the width.
        dropout: dropout probability of the features.

    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout)
        self.before_attention, self.before_hidden = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.hidden = nn.Linear(width, 4 * width)
        self.hidden_out = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens, each with the context of those before it."""
        qkv = self.qkv(self.before_attention(x)).unflatten(-1, (3, self.heads, -1))
        q, k, v = qkv.transpose(1, 3).unbind(2)  # each (N, heads, T, width / heads)
        seen = scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.dropout(self.attention_out(seen.transpose(1, 2).flatten(2)))
        hidden = nn.functional.gelu(self.hidden(self.before_hidden(x)))
        return cast(Tensor, x + self.dropout(self.hidden_out(hidden)))
