"""Exponential moving average of the weights, based on Lightning's WeightAveraging."""

from collections.abc import Callable

import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor

from quintet.options.torch_internals import lerp_all_

Average = Callable[[list[Tensor], list[Tensor], Tensor | int], None]


class EMA(WeightAveraging):
    """Validate, save and test an average of the weights instead of the weights themselves.

    At update n the average moves by 1 - d_n towards the weights, d_n = min(decay, (1 + n) /
    (10 + n)), so that the initial weights do not dominate short runs. Polyak and Juditsky
    1992, "Acceleration of stochastic approximation by averaging"; the warm-up is that of
    TensorFlow's ExponentialMovingAverage. Running statistics of batch norm are those of the current
    model.

    Args:
        decay: decay of the average per optimizer step.

    """

    def __init__(self, decay: float = 0.995) -> None:
        super().__init__(use_buffers=False, multi_avg_fn=warmed_up(decay))


def warmed_up(decay: float) -> Average:
    """Return a function that updates a list of averaged tensors in place."""

    @torch.no_grad()
    def update(averages: list[Tensor], weights: list[Tensor], count: Tensor | int) -> None:
        n = float(count)
        lerp_all_(averages, weights, 1 - min(decay, (1 + n) / (10 + n)))

    return update
