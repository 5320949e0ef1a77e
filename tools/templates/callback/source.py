"""The norm of the gradient per epoch, which shows when training is about to diverge."""

import lightning.pytorch as L
import torch
from torch import Tensor
from torch.optim import Optimizer


class NewOption(L.Callback):
    """Logs the mean norm of the gradient of all parameters, before it is clipped.

    One number per epoch: a column of metrics.csv and a curve in trackers. It is summed in a tensor
    and read once per epoch, so that no step waits for the device.

    Args:
        name: of the number.

    """

    def __init__(self, name: str = "gradient_norm") -> None:
        self.name = name
        self._total: Tensor | float = 0.0
        self._steps = 0

    def on_before_optimizer_step(
        self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: Optimizer
    ) -> None:
        """Add the norm of this step."""
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        self._total = self._total + torch.nn.utils.get_total_norm(gradients)
        self._steps += 1

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the mean of the epoch, and reset it."""
        if self._steps:
            pl_module.log(self.name, float(self._total) / self._steps)
        self._total, self._steps = 0.0, 0
