"""RealMLP: a multilayer perceptron with the components that help most on tables."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from quintet.options.models.layers import dropout_rate, layer_widths, make_activation
from quintet.options.models.table_inputs import TableInputs


class RealMLP(nn.Module):
    """The architecture of RealMLP-TD, with torch's parametrization of linear layers.

    Numbers are clipped smoothly and each gets a periodic embedding; a learnable factor scales each
    input feature; activations are blended with the identity by a learnable share. The paper's
    training recipe is `experiment=table`: AdamW with beta2 = 0.95, a cosine schedule and label
    smoothing. Its multi-cycle schedule, per-layer learning rates and the decay of dropout and
    weight decay during training are left out.

    Source: Holzmüller, Grinsztajn & Steinwart 2024, "Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data".

    Shapes: (N, F) -> (N, num_outputs), raw logits or values.

    Args:
        input_shape: (F,), numeric columns first, then one column of codes per category.
        num_outputs: number of outputs per sample.
        cardinalities: number of codes of each trailing categorical column.
        width: units of every hidden layer, or a list with one width per layer.
        depth: number of hidden layers; None for the length of the list, or 3.
        activation: name of the activation, see `layers.ACTIVATIONS`.
        dropout: dropout probability of hidden units.
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
        widths = layer_widths(width, depth, default_depth=3)
        self.inputs = TableInputs(
            input_shape, cardinalities, frequencies, frequency_scale, embedding
        )
        self.scale = nn.Parameter(torch.ones(self.inputs.size))
        self.hidden = _hidden(self.inputs.size, widths, activation, dropout)
        self.head = nn.Linear(widths[-1], num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, F) to (N, num_outputs)."""
        outputs: Tensor = self.head(self.hidden(self.inputs(x) * self.scale))
        return outputs


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


def _hidden(inputs: int, widths: Sequence[int], activation: str, dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip([inputs, *widths], widths, strict=False):
        layers += [
            nn.Linear(fan_in, fan_out),
            ParametricActivation(fan_out, activation),
            nn.Dropout(dropout_rate(dropout)),
        ]
    return nn.Sequential(*layers)
