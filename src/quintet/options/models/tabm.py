"""TabM: many multilayer perceptrons that share their weight matrices; for tables."""

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn

from quintet.options.models.layers import at_least, dropout_rate, layer_widths, make_activation
from quintet.options.models.packed_ensemble import PackedEnsemble
from quintet.options.models.table_inputs import TableInputs
from quintet.problems import Task


class TabM(PackedEnsemble):
    """A packed ensemble of multilayer perceptrons, trained as one model.

    All members share the weight matrix of each hidden layer; each member has its own scale of every
    input and output of a layer (a rank-1 adapter of the matrix), its own biases and its own head.
    Only the scales of the inputs differ at first. The numbers enter with RealMLP's periodic
    embeddings. The paper's sizes are 32 members, 512 units and the rate 0.002 of AdamW.

    Source: Gorishniy, Kotelnikov & Babenko 2025, "TabM: advancing tabular deep learning with
    parameter-efficient ensembling"; Wen, Tran & Ba 2020, "BatchEnsemble".

    Shapes: (N, F) -> (N, num_outputs), raw logits or values of the members' average.

    Args:
        input_shape: (F,), numeric columns first, then one column of codes per category.
        num_outputs: number of outputs per sample.
        task: what is predicted, which decides how members are averaged.
        cardinalities: number of codes of each trailing categorical column.
        count: number of members.
        width: units of every hidden layer, or a list with one width per layer.
        depth: number of hidden layers; None for the length of the list, or 3.
        activation: name of the activation, see `layers.ACTIVATIONS`.
        dropout: dropout probability of hidden units.
        frequencies: of the periodic embedding of each number; 0 for none.
        frequency_scale: standard deviation of the initial frequencies.
        embedding: size of the embedding of a categorical column with many codes.

    Raises:
        UserError: an impossible count, width, depth, activation, dropout, frequency or embedding.

    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        task: Task,
        cardinalities: Sequence[int] = (),
        count: int = 16,
        width: int | Sequence[int] = 128,
        depth: int | None = None,
        activation: str = "relu",
        dropout: float = 0.1,
        frequencies: int = 16,
        frequency_scale: float = 0.1,
        embedding: int = 8,
    ) -> None:
        super().__init__(task)
        widths = layer_widths(width, depth, default_depth=3)
        at_least("count", count)
        self.inputs = TableInputs(
            input_shape, cardinalities, frequencies, frequency_scale, embedding
        )
        # One factor a column: the features of its embedding stay in proportion.
        self.factors = nn.Parameter(torch.randn(count, len(self.inputs.widths)))
        self.register_buffer("widths", torch.tensor(self.inputs.widths), persistent=False)
        layers: list[nn.Module] = []
        for fan_in, fan_out in zip([self.inputs.size, *widths], widths, strict=False):
            layers += [
                PackedLinear(fan_in, fan_out, count),
                make_activation(activation),
                nn.Dropout(dropout_rate(dropout)),
            ]
        self.hidden = nn.Sequential(*layers)
        self.head = PackedHeads(widths[-1], num_outputs, count)

    widths: Tensor

    def members(self, x: Tensor) -> Tensor:
        """Return the outputs of each member for rows `x` (N, F), (N, count, num_outputs)."""
        factors = self.factors.repeat_interleave(self.widths, dim=1)
        outputs: Tensor = self.head(self.hidden(self.inputs(x)[:, None] * factors))
        return outputs


class PackedLinear(nn.Module):
    """A linear layer of each member: one matrix for all, with scales and biases for each.

    Shapes: (N, count, inputs) -> (N, count, outputs).

    Args:
        inputs: units before the layer.
        outputs: units after it.
        count: number of members.

    """

    def __init__(self, inputs: int, outputs: int, count: int) -> None:
        super().__init__()
        self.shared = nn.Linear(inputs, outputs, bias=False)
        self.input_scale = nn.Parameter(torch.ones(count, inputs))
        self.output_scale = nn.Parameter(torch.ones(count, outputs))
        bias = torch.empty(outputs).uniform_(-1 / sqrt(inputs), 1 / sqrt(inputs))
        self.bias = nn.Parameter(bias.repeat(count, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, count, inputs)."""
        outputs: Tensor = self.shared(x * self.input_scale) * self.output_scale + self.bias
        return outputs


class PackedHeads(nn.Linear):
    """A separate linear layer for each member, with the members' weights one after the other.

    Shapes: (N, count, inputs) -> (N, count, outputs).

    Args:
        inputs: units before the layer.
        outputs: units after it.
        count: number of members.

    """

    def __init__(self, inputs: int, outputs: int, count: int) -> None:
        super().__init__(inputs, count * outputs)
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, count, inputs)."""
        weight = self.weight.view(self.count, -1, self.in_features)
        return torch.einsum("nki,koi->nko", x, weight) + self.bias.view(self.count, -1)
