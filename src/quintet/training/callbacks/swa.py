"""Stochastic weight averaging, based on Lightning's WeightAveraging."""

from collections.abc import Iterator
from typing import Any, cast

import lightning.pytorch as L
import torch
from lightning.pytorch.callbacks import WeightAveraging

from quintet.base.errors import Code, UserError
from quintet.modules.supervised import SupervisedModule
from quintet.options.models.pretrained import is_frozen
from quintet.options.torch_internals import BatchOrInstanceNorm


class SWA(WeightAveraging):
    """Validate, save and test the mean of the weights at the ends of the last epochs.

    It needs a learning rate that keeps the weights moving: `scheduler=constant` or `cyclic`.
    Running statistics of batch norm are recomputed for the mean by another pass over the training
    data after each averaged epoch (section 3.2); frozen ones are kept. Before `start` nothing is
    averaged. Izmailov et al., 2018, "Averaging weights leads to wider optima and better
    generalization".

    Args:
        start: fraction of the run's epochs after which averaging begins, in [0, 1).

    """

    def __init__(self, start: float = 0.75) -> None:
        if not 0 <= start < 1:
            raise UserError(
                "is not a share of the run",
                code=Code.OUT_OF_RANGE,
                key="callbacks.swa.start",
                value=start,
                hint="Give a number from 0 to below 1.",
            )
        super().__init__(use_buffers=False)
        self.start = start

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Check that running statistics can be computed for the mean.

        Raises:
            UserError: a module other than `SupervisedModule` has layers with running statistics.

        """
        layer = next(_with_statistics(pl_module), None)
        if layer is not None and not isinstance(pl_module, SupervisedModule):
            raise UserError(
                f"recomputes the running statistics of {type(layer).__name__} by module=supervised "
                f"only; what {type(pl_module).__name__} passes through it is not known",
                code=Code.INCOMPATIBLE,
                key="callbacks",
                value="swa",
                hint="Use callbacks=ema, or layers without running statistics, such as GroupNorm",
            )
        super().setup(trainer, pl_module, stage)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any, **kwargs: Any
    ) -> None:
        """Add the weights at the end of an epoch to the mean, before validation."""
        epochs = trainer.max_epochs or 0
        if trainer.is_last_batch and trainer.current_epoch >= int(self.start * max(epochs, 0)):
            assert self._average_model is not None
            self._average_model.update_parameters(pl_module)
            self._measure(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Override Lightning's update of the mean, which stays as validated."""

    @torch.no_grad()
    def _measure(self, trainer: L.Trainer) -> None:
        """Recompute the running statistics for the mean on the training data."""
        assert self._average_model is not None
        task: SupervisedModule = self._average_model.module  # type: ignore[assignment]
        norms = [*_with_statistics(task)]
        if not norms:
            return
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean over all batches
        with torch.random.fork_rng():  # so that this does not affect dropout in training
            task.train()
            for batch in cast(Any, trainer.train_dataloader):
                task(trainer.strategy.batch_to_device(batch, task.device)[0])
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            for statistic in (norm.running_mean, norm.running_var):
                if statistic is not None:  # equal on all ranks, like the weights
                    statistic.copy_(trainer.strategy.reduce(statistic, reduce_op="mean"))

    @property
    def _averages(self) -> bool:
        return self._average_model is not None and bool(self._average_model.n_averaged)

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Swap in the mean if there is one."""
        if self._averages:
            super().on_validation_epoch_start(trainer, pl_module)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Swap the model back in."""
        if self._averages:
            super().on_validation_epoch_end(trainer, pl_module)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Replace the model's weights by the mean if there is one."""
        if self._averages:
            super().on_train_end(trainer, pl_module)

    def on_save_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Save the mean if there is one, in addition to the model."""
        super().on_save_checkpoint(trainer, pl_module, checkpoint)
        if self._average_model is not None and not self._averages:
            checkpoint["state_dict"] = checkpoint["current_model_state"]


def _with_statistics(module: L.LightningModule) -> Iterator[BatchOrInstanceNorm]:
    """Yield the layers whose running statistics training updates."""
    for layer in module.modules():
        if (
            isinstance(layer, BatchOrInstanceNorm)
            and layer.track_running_stats
            and not is_frozen(layer)
        ):
            yield layer
