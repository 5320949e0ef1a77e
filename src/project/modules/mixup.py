"""A LightningModule of one's own: a classifier that trains on mixtures of samples."""

from collections.abc import Callable
from typing import Any

import lightning.pytorch as L
import torch
from torch import Tensor, nn
from torchmetrics import Metric

from quintet.base.errors import Code, UserError


class Mixup(L.LightningModule):
    """Trains on mixtures of two samples, with the same mixture of their losses.

    Zhang et al., 2018, "mixup: Beyond empirical risk minimization". The arguments `model` to
    `scheduler` are filled with what is chosen on the command line, as the constructor asks for it.

    Args:
        model: maps x to logits (N, C).
        loss: of logits and classes (N,).
        metric: of probabilities (N, C) and classes.
        optimizer: makes the optimizer of a module or of parameters.
        scheduler: makes the schedule of an optimizer's rate.
        metric_name: what the metric is called.
        alpha: of the Beta distribution of the shares; the greater, the more even the mixtures.

    Raises:
        UserError: alpha is not over 0.

    """

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        metric: Metric,
        optimizer: Callable[..., Any],
        scheduler: Callable[..., Any],
        metric_name: str,
        alpha: float = 0.2,
    ) -> None:
        super().__init__()
        if alpha <= 0:
            raise UserError(
                "must be over 0", code=Code.OUT_OF_RANGE, key="module.alpha", value=alpha
            )
        self.model, self.loss, self.metric_name = model, loss, metric_name
        self.optimizer, self.scheduler = optimizer, scheduler
        self.metrics = nn.ModuleDict({"on_val": metric.clone(), "on_test": metric.clone()})
        self.shares = torch.distributions.Beta(alpha, alpha)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss of a mixture of the batch with itself in another order."""
        x, y = batch
        share = self.shares.sample().item()
        other = torch.randperm(len(x), device=x.device)
        outputs = self.model(share * x + (1 - share) * x[other])
        loss: Tensor = share * self.loss(outputs, y) + (1 - share) * self.loss(outputs, y[other])
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
