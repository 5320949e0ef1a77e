"""A linear model: logistic or linear regression, a baseline for every other model."""

from collections.abc import Sequence

from torch import Tensor, nn

from quintet.options.models.layers import FlatInput


class Linear(nn.Module):
    """One linear layer on the flattened sample.

    With cross-entropy it is (multinomial) logistic regression, with MSE ordinary least squares
    (Hastie, Tibshirani & Friedman 2009, chapters 3 and 4).

    Shapes: (N, *input_shape) -> (N, num_outputs), raw logits or values.

    Args:
        input_shape: shape of one sample.
        num_outputs: number of outputs per sample.
        cardinalities: number of codes of each trailing categorical column of a table; these
            columns enter one-hot.

    """

    def __init__(
        self, input_shape: Sequence[int], num_outputs: int, cardinalities: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.flat = FlatInput(input_shape, cardinalities)
        self.head = nn.Linear(self.flat.size, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, *input_shape) to (N, num_outputs)."""
        outputs: Tensor = self.head(self.flat(x))
        return outputs
