"""A U-Net: a class for every pixel."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from quintet.base.errors import Code, UserError
from quintet.options.models.layers import at_least, dimensions, dropout_rate, make_activation


class DoubleConvolution(nn.Sequential):
    """Two 3x3 convolutions of equal size, each with batch norm and an activation.

    Shapes: (N, inputs, H, W) -> (N, outputs, H, W).
    """

    def __init__(self, inputs: int, outputs: int, nonlinearity: str, dropout: float) -> None:
        layers: list[nn.Module] = []
        for channels in (inputs, outputs):
            layers += [
                nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                make_activation(nonlinearity),
            ]
        super().__init__(*layers, nn.Dropout2d(dropout))


class UNet(nn.Module):
    """An encoder that halves the image, and a decoder that doubles it, with skip connections.

    Source: Ronneberger, Fischer & Brox 2015, "U-Net: convolutional networks for biomedical image
    segmentation"; with padding and batch norm, and bilinear upsampling in place of transposed
    convolutions (Odena et al. 2016, "Deconvolution and checkerboard artifacts").

    Shapes: (N, C, H, W) -> (N, num_outputs, H, W), raw logits, for any height and width.

    Args:
        input_shape: (C, H, W).
        num_outputs: classes of a pixel.
        width: channels at full size, doubled at each halving.
        depth: halvings of the image; both sides have at least 2 ** depth pixels.
        activation: name of the activation, see `layers.ACTIVATIONS`.
        dropout: dropout probability of channels after each pair of convolutions.

    Raises:
        UserError: an impossible width, depth, activation or dropout, or too small an image.

    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        width: int = 16,
        depth: int = 2,
        activation: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        channels, height, across = dimensions(input_shape, ["channels", "height", "width"])
        if min(height, across) < 2 ** at_least("depth", depth):
            raise UserError(
                f"halves an image of {height}x{across} pixels too often",
                code=Code.INCOMPATIBLE,
                key="model.depth",
                value=depth,
                hint="Give a smaller model.depth, or larger images.",
            )
        widths = [at_least("width", width) * 2**level for level in range(depth + 1)]
        rate = dropout_rate(dropout)
        self.encoder = nn.ModuleList(
            DoubleConvolution(inputs, outputs, activation, rate)
            for inputs, outputs in zip([channels, *widths], widths, strict=False)
        )
        self.decoder = nn.ModuleList(
            DoubleConvolution(below + across, across, activation, rate)
            for across, below in reversed([*itertools.pairwise(widths)])
        )
        self.head = nn.Conv2d(width, num_outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, C, H, W) to (N, num_outputs, H, W)."""
        joined: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            x = block(functional.max_pool2d(x, 2) if level else x)
            joined.append(x)
        x = joined.pop()
        for block in self.decoder:
            beside = joined.pop()
            up = functional.interpolate(
                x, size=beside.shape[2:], mode="bilinear", align_corners=False
            )
            x = block(torch.cat([up, beside], dim=1))
        outputs: Tensor = self.head(x)
        return outputs
