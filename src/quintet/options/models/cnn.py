"""A small convolutional network for images of 8x8 up to about 64x64 pixels."""

from collections.abc import Sequence

from torch import Tensor, nn

from quintet.base.errors import Code, UserError
from quintet.options.models.layers import dimensions, dropout_rate, layer_widths, make_activation


def stage(inputs: int, outputs: int, nonlinearity: str, batch_norm: bool) -> list[nn.Module]:
    """Convolve, normalise and activate, twice.

    Two 3x3 kernels cover 5x5 pixels with fewer weights than one 5x5 (Simonyan & Zisserman 2015).
    Shapes: (N, inputs, H, W) -> (N, outputs, H, W).
    """
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers.append(nn.Conv2d(channels, outputs, 3, padding=1, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(outputs))
        layers.append(make_activation(nonlinearity))
    return layers


class CNN(nn.Module):
    """Stages of two 3x3 convolutions, then the mean over all pixels and one linear layer.

    Max pooling halves the image from each stage to the next. Each convolution is followed by
    batch norm and the activation, in this order; dropout precedes the last layer. The mean
    over all pixels is that of Lin et al. 2014, "Network in network".

    Shapes: (N, C, H, W) -> (N, num_outputs), raw logits or values.

    Args:
        input_shape: (C, H, W).
        num_outputs: number of outputs per sample.
        width: channels of the first stage, doubled at each further one, or a list with one
            number of channels per stage.
        depth: number of stages; None for the length of the list, or as many as leave four
            pixels on the shorter side, from 1 to 4 (8x8 gets 2, 28x28 gets 3, 64x64 gets 4).
        activation: name of the activation, see `layers.ACTIVATIONS`.
        batch_norm: normalise before each activation.
        dropout: dropout probability of the features before the last layer.

    Raises:
        UserError: an impossible width, depth, activation or dropout, or an image that is too
            small to be halved between all stages.

    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        width: int | Sequence[int] = 32,
        depth: int | None = None,
        activation: str = "relu",
        batch_norm: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        channels, height, across = dimensions(input_shape, ["channels", "height", "width"])
        most = min(height, across).bit_length()  # one stage, and one for each possible halving
        widths = layer_widths(width, depth, min(4, max(1, most - 2)), growth=2)
        if len(widths) > most:
            raise UserError(
                f"An image of {height}x{across} pixels is too small for {len(widths)} stages: it "
                f"is halved between them, so {most} are possible",
                code=Code.INCOMPATIBLE,
                hint="Lower model.depth, or leave it null",
            )
        layers: list[nn.Module] = []
        for inputs, outputs in zip([channels, *widths], widths, strict=False):
            layers += [nn.MaxPool2d(2)] if layers else []
            layers += stage(inputs, outputs, activation, batch_norm)
        self.stages = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout_rate(dropout))
        self.head = nn.Linear(widths[-1], num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, C, H, W) to (N, num_outputs)."""
        features = self.stages(x).mean(dim=(2, 3))
        outputs: Tensor = self.head(self.dropout(features))
        return outputs
