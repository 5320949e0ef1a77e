"""A LightningModule of one's own: a classifier that trains on noisy samples."""

from collections.abc import Callable
from typing import Any

import lightning.pytorch as L
import torch
from torch import Tensor, nn
from torchmetrics import Metric

from quintet.base.errors import Code, UserError


class NewOption(L.LightningModule):
    """Trains on samples with Gaussian noise, which smooths what is learnt.

    Bishop, 1995, "Training with noise is equivalent to Tikhonov regularization". The
    arguments `model` to `scheduler` are filled with what is chosen on the command line.

    Args:
        model: maps x to logits (N, C).
        loss: of logits and classes (N,).
        metric: of probabilities (N, C) and classes.
        optimizer: makes the optimizer of a module or of parameters.
        scheduler: makes the schedule of an optimizer's rate.
        metric_name: what the metric is called.
        noise: its standard deviation, in units of the inputs.

    Raises:
        UserError: the noise is below 0.

    """

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        metric: Metric,
        optimizer: Callable[..., Any],
        scheduler: Callable[..., Any],
        metric_name: str,
        noise: float = 0.1,
    ) -> None:
        super().__init__()
        if noise < 0:
            raise UserError("is below 0", code=Code.OUT_OF_RANGE, key="module.noise", value=noise)
        self.model, self.loss, self.metric_name = model, loss, metric_name
        self.optimizer, self.scheduler = optimizer, scheduler
        self.metrics = nn.ModuleDict({"on_val": metric.clone(), "on_test": metric.clone()})
        self.noise = noise

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss of the noisy batch."""
        x, y = batch
        loss: Tensor = self.loss(self.model(x + self.noise * torch.randn_like(x)), y)
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(x))
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log loss and metric on validation data."""
        self._log(batch, "val")

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log loss and metric on test data."""
        self._log(batch, "test")

    def _log(self, batch: tuple[Tensor, Tensor], split: str) -> None:
        x, y = batch
        outputs, metric = self.model(x), self.metrics[f"on_{split}"]
        metric.update(outputs.softmax(1), y)  # type: ignore[operator]
        self.log(f"{split}/{self.metric_name}", metric, batch_size=len(x))  # type: ignore[arg-type]
        loss = self.loss(outputs, y)
        self.log(f"{split}/loss", loss, batch_size=len(x), sync_dist=True)

    def predict_step(self, batch: Tensor, batch_idx: int) -> dict[str, Tensor]:
        """Return the probabilities of the classes, (N, C)."""
        return {"p": self.model(batch).softmax(1)}

    def configure_optimizers(self) -> Any:
        """Return the optimizer and its schedule."""
        optimizer = self.optimizer(self.model)
        return {"optimizer": optimizer, "lr_scheduler": self.scheduler(optimizer)}
