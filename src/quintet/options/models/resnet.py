"""A residual network in the style of the CIFAR experiments of He et al."""

from collections.abc import Sequence

from torch import Tensor, nn

from quintet.base.errors import Code, UserError
from quintet.options.models.layers import at_least, dimensions, dropout_rate, make_activation


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut; the activation comes after the sum.

    Shapes: (N, inputs, H, W) -> (N, outputs, H / stride, W / stride), rounded up.
    """

    def __init__(
        self, inputs: int, outputs: int, stride: int, nonlinearity: str, dropout: float
    ) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            make_activation(nonlinearity),
            nn.Dropout(dropout),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        self.activation = make_activation(nonlinearity)

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch to the shortcut and activate."""
        outputs: Tensor = self.activation(self.branch(x) + self.shortcut(x))
        return outputs


class ResNet(nn.Module):
    """A 3x3 stem and three stages of residual blocks, then a global average and a linear layer.

    Source: He et al. 2016, "Deep residual learning for image recognition", section 4.2; dropout
    is between the two convolutions of a block, as in Zagoruyko & Komodakis 2016.

    Shapes: (N, C, H, W) -> (N, num_outputs), raw logits or values.

    Args:
        input_shape: (C, H, W), both sides of at least 4 pixels.
        num_outputs: number of outputs per sample.
        width: channels of the first stage; the second has twice, the third four times as many.
        depth: residual blocks in each of the three stages (the paper's n: 6n+2 layers).
        activation: name of the activation, see `layers.ACTIVATIONS`.
        dropout: dropout probability of the features inside a block.

    Raises:
        UserError: an impossible width, depth, activation or dropout, or too small an image.

    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        width: int = 16,
        depth: int = 1,
        activation: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        channels, height, across = dimensions(input_shape, ["channels", "height", "width"])
        if min(height, across) < 4:
            raise UserError(
                f"An image of {height}x{across} pixels is too small for model=resnet, which halves "
                "it twice: at least 4x4 are needed",
                code=Code.INCOMPATIBLE,
                hint="Choose model=cnn or model=mlp",
            )
        at_least("depth", depth)
        widths = [at_least("width", width), 2 * width, 4 * width]
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            make_activation(activation),
        )
        blocks: list[nn.Module] = []
        for inputs, outputs in zip([width, *widths], widths, strict=False):
            for block in range(depth):
                first = block == 0
                stride = 2 if first and outputs > width else 1
                blocks.append(
                    BasicBlock(
                        inputs if first else outputs,
                        outputs,
                        stride,
                        activation,
                        dropout_rate(dropout),
                    )
                )
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(widths[-1], num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, C, H, W) to (N, num_outputs)."""
        features = self.blocks(self.stem(x)).mean(dim=(2, 3))
        outputs: Tensor = self.head(features)
        return outputs
