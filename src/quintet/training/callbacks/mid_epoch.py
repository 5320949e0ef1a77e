"""Checkpoints within epochs, from which a run can be resumed in the middle of an epoch."""

from pathlib import Path
from typing import Any

import lightning.pytorch as L
import torch
from lightning.fabric.utilities import move_data_to_device
from lightning.pytorch.callbacks import Checkpoint

from quintet.artifacts.untrusted_files import understood
from quintet.base import console
from quintet.base.errors import Code, UserError
from quintet.modules.supervised import SupervisedModule
from quintet.training.lightning_patches import StatefulLoader, training_loaders

SO_FAR = "epoch_so_far"
"""Key in a checkpoint: the state of the training metrics."""


class MidEpoch(Checkpoint):
    """Saves the last checkpoint every few batches, if the order of batches can be continued.

    This requires one process, and training loaders with a `state_dict`, such as those of in-memory
    sources and torchdata's StatefulDataLoader. Weights and optimizer then end bit for bit as in an
    uninterrupted run, and so do the metrics of `module=supervised`. Means that another module logs
    for the resumed epoch cover its later batches only.

    Otherwise nothing is saved within epochs, and a warning is printed when training starts.

    Args:
        every: batches between two checkpoints.
        path: of the checkpoint.

    """

    def __init__(self, every: int, path: str) -> None:
        if every < 1:
            raise UserError(
                "must be an integer of at least 1",
                code=Code.OUT_OF_RANGE,
                key="callbacks.mid_epoch.every",
                value=every,
            )
        self.every, self.path = every, Path(path)
        self._generators: dict[str, Any] = {}
        self._so_far: dict[str, Any] | None = None
        self._saves = False
        self._active = False

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Warn if saving within epochs is not possible; restore the checkpoint's random states."""
        why = _obstacle(trainer)
        self._active = why is None
        if why is not None:
            console.warn(f"callbacks=mid_epoch: {why}, so runs resume from the end of an epoch")
        if self._generators:
            torch.set_rng_state(self._generators["cpu"])
            if (cuda := self._generators["cuda"]) and len(cuda) == torch.cuda.device_count():
                torch.cuda.set_rng_state_all(cuda)
        if self._so_far is not None and isinstance(pl_module, SupervisedModule):
            with understood(Path(str(trainer.ckpt_path))):
                pl_module.continue_epoch(move_data_to_device(self._so_far, pl_module.device))

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save, except in the middle of an accumulated step and at the end of an epoch."""
        whole_step = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        due = whole_step and (batch_idx + 1) % self.every == 0
        if self._active and due and not trainer.is_last_batch:
            self._saves = True
            trainer.save_checkpoint(self.path)
            self._saves = False

    def on_save_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the state of the epoch's training metrics, within an epoch."""
        if self._saves and isinstance(pl_module, SupervisedModule):
            checkpoint[SO_FAR] = pl_module.partial_epoch_state()

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Keep the training metrics of an incomplete epoch until the module is on its device."""
        self._so_far = checkpoint.get(SO_FAR)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the random generators."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return {"cpu": torch.get_rng_state(), "cuda": cuda}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the generators' state, which is restored when training starts.

        Raises:
            TypeError, RuntimeError: it is not the state of a generator.

        """
        torch.Generator().set_state(state_dict["cpu"])
        self._generators = dict(state_dict)


def _obstacle(trainer: L.Trainer) -> str | None:
    """Return why a run cannot be resumed within an epoch; None if it can."""
    if trainer.world_size > 1:
        return "with several processes the checkpoint has the random numbers of one of them"
    loaders = training_loaders(trainer)
    plain = next((each for each in loaders if not isinstance(each, StatefulLoader)), None)
    if plain is None:
        return None
    return f"the training loader, a {type(plain).__name__}, has no state_dict"
