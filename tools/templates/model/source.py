"""A residual net for tables and small inputs."""

from collections.abc import Sequence

from torch import Tensor, nn

from quintet.options.models.layers import FlatInput, at_least, dropout_rate, make_activation


class NewOption(nn.Module):
    """A stack of residual layers (He et al. 2016; for tables, Gorishniy 2021).

    Shapes: (N, *input_shape) -> (N, num_outputs), raw logits or values.

    Args:
        input_shape: shape of one sample.
        num_outputs: number of outputs per sample that the loss expects.
        cardinalities: number of codes of each trailing categorical column of a table; these
            columns enter one-hot.
        width: units of every layer.
        depth: number of residual layers.
        activation: name of the activation, see `layers.ACTIVATIONS`.
        dropout: share of each layer's units to drop while training.

    Raises:
        UserError: an impossible width, depth, activation or dropout.

    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        cardinalities: Sequence[int] = (),
        width: int = 64,
        depth: int = 2,
        activation: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        at_least("width", width)
        self.flat = FlatInput(input_shape, cardinalities)
        self.first = nn.Linear(self.flat.size, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                make_activation(activation),
                nn.Linear(width, width),
                nn.Dropout(dropout_rate(dropout)),
            )
            for _ in range(at_least("depth", depth))
        )
        # Named head: the init scales it, and transfer replaces it.
        self.head = nn.Linear(width, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, *input_shape) to (N, num_outputs)."""
        hidden = self.first(self.flat(x))
        for block in self.blocks:
            hidden = hidden + block(hidden)
        outputs: Tensor = self.head(hidden)
        return outputs
