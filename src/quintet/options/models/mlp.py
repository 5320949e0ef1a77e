"""A multilayer perceptron."""

from collections.abc import Sequence

from torch import Tensor, nn

from quintet.options.models.layers import FlatInput, dropout_rate, layer_widths, make_activation


def hidden_layers(
    inputs: int, widths: Sequence[int], nonlinearity: str, batch_norm: bool, dropout: float
) -> nn.Sequential:
    """Stack hidden layers: linear, batch norm, activation, dropout, in this order.

    Batch norm precedes the activation, as in Ioffe & Szegedy 2015, and replaces the bias of the
    linear layer; dropout comes last, so that no statistics are computed on dropped units
    (Li et al. 2019, "Understanding the disharmony between dropout and batch normalization").

    Shapes: (N, inputs) -> (N, widths[-1]).
    """
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip([inputs, *widths], widths, strict=False):
        layers.append(nn.Linear(fan_in, fan_out, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm1d(fan_out))
        layers.append(make_activation(nonlinearity))
        if dropout_rate(dropout):
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)


class MLP(nn.Module):
    """Fully connected hidden layers on the flattened sample (Goodfellow et al. 2016, chapter 6).

    Shapes: (N, *input_shape) -> (N, num_outputs), raw logits or values.

    Args:
        input_shape: shape of one sample.
        num_outputs: number of outputs per sample.
        cardinalities: number of codes of each trailing categorical column of a table; these
            columns enter one-hot.
        width: units of every hidden layer, or a list with one width per layer.
        depth: number of hidden layers; None for the length of the list, or 2.
        activation: name of the activation, see `layers.ACTIVATIONS`.
        batch_norm: normalise before each activation.
        dropout: dropout probability of hidden units (Srivastava et al. 2014).

    Raises:
        UserError: an impossible width, depth, activation or dropout, or a list of widths whose
            length is not the depth.

    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        cardinalities: Sequence[int] = (),
        width: int | Sequence[int] = 128,
        depth: int | None = None,
        activation: str = "relu",
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        widths = layer_widths(width, depth, default_depth=2)
        self.flat = FlatInput(input_shape, cardinalities)
        self.hidden = hidden_layers(self.flat.size, widths, activation, batch_norm, dropout)
        self.head = nn.Linear(widths[-1], num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, *input_shape) to (N, num_outputs)."""
        outputs: Tensor = self.head(self.hidden(self.flat(x)))
        return outputs
