"""A small transformer encoder for sequences of numbers and for tokens."""

from collections.abc import Sequence
from math import log

import torch
from torch import Tensor, nn

from quintet.base.errors import Code, UserError
from quintet.options.models.layers import at_least, dimensions, dropout_rate, make_activation


def sinusoids(steps: int, width: int) -> Tensor:
    """Encode each position as sines and cosines of falling frequency (Vaswani et al. 2017, 3.5).

    Returns a tensor of shape (steps, width).
    """
    positions = torch.arange(steps)[:, None]
    frequencies = torch.exp(torch.arange(0, width, 2) * (-log(10_000.0) / width))
    angles = positions * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width]


class Transformer(nn.Module):
    """Self-attention layers over the embedded steps, then a linear layer.

    It takes the mean over all tokens, or the last step of a sequence of numbers, which matters
    most to a forecast. Padding (token 0) is neither attended to nor averaged. Layer norm precedes
    each sublayer (Xiong et al. 2020), which allows training without a warm-up of the learning rate.

    Shapes: (N, T, F) numbers or (N, T) tokens -> (N, num_outputs), raw logits or values; a batch
    may have fewer steps than `input_shape`, not more.

    Args:
        input_shape: (T, F), or (T,) for tokens.
        num_outputs: number of outputs per sample.
        vocabulary: number of token ids, padding included; 0 for a sequence of numbers.
        width: embedding dimension, a multiple of `heads`.
        depth: number of encoder layers.
        heads: attention heads per layer.
        expansion: hidden units of a layer's feed-forward part, in multiples of `width`.
        activation: name of the activation, see `layers.ACTIVATIONS`.
        dropout: dropout probability of the features.

    Raises:
        UserError: an impossible width, depth, heads, expansion, activation or dropout, or a
            width that the heads do not divide.

    """

    positions: Tensor

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        vocabulary: int = 0,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        expansion: int = 4,
        activation: str = "gelu",
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        at_least("depth", depth)
        at_least("expansion", expansion)
        if at_least("width", width) % at_least("heads", heads):
            raise UserError(
                f"must be a multiple of model.heads={heads}",
                code=Code.INCOMPATIBLE,
                key="model.width",
                value=width,
                hint=f"Set model.width={-(-width // heads) * heads}, or other heads",
            )
        self.tokens = vocabulary > 0
        if self.tokens:
            (steps,) = dimensions(input_shape, ["tokens"])
            self.embed: nn.Module = nn.Embedding(vocabulary, width, padding_idx=0)
        else:
            steps, features = dimensions(input_shape, ["steps", "features"])
            self.embed = nn.Linear(features, width)
        self.register_buffer("positions", sinusoids(steps, width), persistent=False)
        self.dropout = nn.Dropout(dropout_rate(dropout))
        # Not torch's nn.TransformerEncoder: it copies one layer, so all would start out equal.
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width,
                heads,
                expansion * width,
                dropout,
                make_activation(activation),
                batch_first=True,
                norm_first=True,
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, T, F) or (N, T) to (N, num_outputs)."""
        padding = self.padding(x) if self.tokens else None
        steps = self.dropout(self.embed(x) + self.positions[: x.shape[1]])
        for layer in self.layers:
            steps = layer(steps, src_key_padding_mask=padding)
        outputs: Tensor = self.head(self.summary(self.norm(steps), padding))
        return outputs

    def padding(self, x: Tensor) -> Tensor:
        """Mark the padding of `x` (N, T) with True.

        The first position stays valid, as attention would otherwise divide by zero.
        """
        return (x == 0) & (torch.arange(x.shape[1], device=x.device) > 0)

    def summary(self, steps: Tensor, padding: Tensor | None) -> Tensor:
        """Sum up `steps` (N, T, width) as (N, width): the valid ones' mean, or the last one."""
        if padding is None:
            return steps[:, -1]
        valid = (~padding)[..., None].to(steps.dtype)
        return (steps * valid).sum(dim=1) / valid.sum(dim=1)
