"""Recurrent networks for sequences of numbers and for tokens: GRU and LSTM."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from quintet.options.models.layers import at_least, dimensions, dropout_rate


class Recurrent(nn.Module):
    """Reads a sequence from left to right; the last valid hidden state goes into a linear layer.

    Tokens are embedded first. Padding (token 0) is at the end of a sample; as the network
    is causal, the state at the last token does not depend on it, so the result is that of the
    unpadded sample without packing, which torch.export cannot follow.

    Shapes: (N, T, F) numbers or (N, T) tokens -> (N, num_outputs), raw logits or values.

    Args:
        input_shape: (T, F), or (T,) for tokens.
        num_outputs: number of outputs per sample.
        vocabulary: number of token ids, padding included; 0 for a sequence of numbers.
        embedding: size of a token's embedding; None takes `width`. Unused without tokens.
        width: size of the hidden state of each layer.
        depth: number of stacked recurrent layers.
        dropout: dropout probability of each layer's outputs, including the last one's.

    Raises:
        UserError: an impossible embedding, width, depth or dropout.

    """

    cell: type[nn.GRU] | type[nn.LSTM]

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        vocabulary: int = 0,
        embedding: int | None = None,
        width: int = 32,
        depth: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        at_least("width", width)
        at_least("depth", depth)
        at_least("embedding", width if embedding is None else embedding)
        self.tokens = vocabulary > 0
        if self.tokens:
            dimensions(input_shape, ["tokens"])
            features = embedding or width
            self.embed: nn.Module = nn.Embedding(vocabulary, features, padding_idx=0)
        else:
            _, features = dimensions(input_shape, ["steps", "features"])
            self.embed = nn.Identity()
        self.dropout = nn.Dropout(dropout_rate(dropout))
        between = dropout if depth > 1 else 0.0
        self.layers = self.cell(features, width, depth, batch_first=True, dropout=between)
        self.head = nn.Linear(width, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, T, F) or (N, T) to (N, num_outputs)."""
        states, _ = self.layers(self.embed(x))
        outputs: Tensor = self.head(self.dropout(self.last_valid(states, x)))
        return outputs

    def last_valid(self, states: Tensor, x: Tensor) -> Tensor:
        """Return from `states` (N, T, width) the state of each sample's last token: (N, width)."""
        if not self.tokens:
            return states[:, -1]
        positions = torch.arange(x.shape[1], device=x.device)
        last = (positions * (x != 0)).amax(dim=1)
        return states.gather(1, last[:, None, None].expand(-1, 1, states.shape[2])).squeeze(1)


class GRU(Recurrent):
    """Gated recurrent units; see `Recurrent` for shapes and arguments.

    Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder".
    """

    cell = nn.GRU


class LSTM(Recurrent):
    """Long short-term memory; see `Recurrent` for shapes and arguments.

    Source: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """

    cell = nn.LSTM
