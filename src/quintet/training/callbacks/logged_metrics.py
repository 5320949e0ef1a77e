"""Checks of the metrics that a LightningModule logs."""

import math
from typing import Any

import lightning.pytorch as L
import torch

from quintet.base.errors import Code, DivergedError, UserError


class LoggedMetrics(L.Callback):
    """Check what a user-defined module logs; `SupervisedModule` does not need this callback.

    - The primary metric must be logged in validation, as `val/<name>`.
    - A loss or weight that is not finite ends the run as diverged.
    - Epochs without validation have no validation metrics; Lightning would repeat the last ones.

    Args:
        metric: name of the primary metric.

    """

    def __init__(self, metric: str) -> None:
        self.metric = metric

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Remove the validation metrics of earlier epochs."""
        shown = trainer.callback_metrics
        for name in [name for name in shown if name.startswith("val/")]:
            del shown[name]

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Check that the primary metric was logged.

        Raises:
            UserError: it was not; lists what was.
            DivergedError: a loss is NaN or infinite.

        """
        if not trainer.sanity_checking:
            logged(trainer.callback_metrics, "val", self.metric)
            self._check_finite(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Check that training has not diverged.

        Raises:
            DivergedError: a loss is NaN or infinite.

        """
        self._check_finite(trainer)

    def _check_finite(self, trainer: L.Trainer) -> None:
        losses = {k: v for k, v in trainer.callback_metrics.items() if "loss" in k.lower()}
        if not all(math.isfinite(float(value)) for value in losses.values()):
            raise DivergedError

    def on_save_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Check that the weights to be saved are finite.

        Raises:
            DivergedError: a weight is NaN or infinite.

        """
        if not all(torch.isfinite(p).all() for p in pl_module.parameters()):
            raise DivergedError


def logged(scores: Any, split: str, metric: str) -> float:
    """Return the metric that a module logged on a split, `val` or `test`.

    Raises:
        UserError: it was not logged.

    """
    prefix = f"{split}/"
    if (value := scores.get(prefix + metric)) is not None:
        return float(value)
    names = [name.removeprefix(prefix) for name in scores if name.startswith(prefix)]
    if not names:
        allowed = [f"self.log('{prefix}{metric}', value) in {STEPS[split]}"]
        raise UserError(
            f"The module logs nothing under {prefix}, so there is no {metric} to go by",
            code=Code.MISSING_VALUE,
            allowed=allowed,
        )
    raise UserError(
        f"is not logged by the module as {prefix}{metric}",
        code=Code.UNKNOWN_NAME,
        key="metric.name",
        value=metric,
        allowed=names,
        hint=f"Log it, or choose one: metric=logged metric.name={names[0]} and metric.mode=max or "
        "min.",
    )


STEPS = {"val": "validation_step", "test": "test_step"}
