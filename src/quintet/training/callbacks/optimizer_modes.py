"""Switching schedule-free optimizers between training and evaluation mode."""

from collections.abc import Iterator
from typing import Any

import lightning.pytorch as L
from omegaconf import DictConfig

from quintet.base.errors import Code, UserError
from quintet.config.run_nodes import accepted
from quintet.config.signature import locate
from quintet.options.optimizers import SwitchesModes


class OptimizerModes(L.Callback):
    """Train with the iterates of a schedule-free optimizer; evaluate and save their average.

    Checkpoints at the end of an epoch contain the validated parameters; those within an epoch
    contain the parameters of training. A run resumed from either is equal to an uninterrupted run.
    """

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Switch to training mode."""
        for optimizer in _switching(trainer):
            optimizer.train()

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Switch to evaluation mode."""
        for optimizer in _switching(trainer):
            optimizer.eval()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Switch to evaluation mode, in case there is no validation."""
        for optimizer in _switching(trainer):
            optimizer.eval()


def _switching(trainer: L.Trainer) -> Iterator[SwitchesModes]:
    return (each for each in trainer.optimizers if isinstance(each, SwitchesModes))


def switches_modes(cfg: DictConfig) -> bool:
    """Return whether the chosen optimizer has modes.

    Raises:
        UserError: a callback averages the weights as well.

    """
    if "optimizer" not in accepted(cfg):
        return False
    target = locate(cfg.optimizer.get("_target_", ""), "optimizer")
    if not (isinstance(target, type) and issubclass(target, SwitchesModes)):
        return False
    for name in ("ema", "swa"):
        if (cfg.callbacks or {}).get(name):
            raise UserError(
                "cannot be combined with a schedule-free optimizer, which averages the weights "
                "itself",
                code=Code.CONFLICT,
                key="callbacks",
                value=name,
                hint="Leave it out, or choose another optimizer",
            )
    return True
