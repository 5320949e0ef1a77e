"""Checkpoints within epochs, from which a run can be resumed mid-epoch."""

from pathlib import Path
from typing import Any

import lightning.pytorch as L
import torch
from lightning.pytorch.callbacks import Checkpoint

from quintet.base import console
from quintet.base.errors import Code, UserError
from quintet.training.lightning_patches import StatefulLoader, training_loaders


class MidEpoch(Checkpoint):
    """Save the last checkpoint every few batches if the order of batches can be restored.

    This requires a single process and training loaders with a `state_dict`, as loaders of in-memory
    sources and torchdata's StatefulDataLoader have. Weights and optimizer of a resumed run are then
    bitwise equal to those of an uninterrupted run. Means of training metrics over the resumed epoch
    only include its later batches.

    Otherwise nothing is saved within epochs, and a warning is printed when training starts.

    Args:
        every: number of batches between checkpoints.
        path: path of the checkpoint.

    """

    def __init__(self, every: int, path: str) -> None:
        if every < 1:
            raise UserError(
                "must be a whole number of at least 1",
                code=Code.OUT_OF_RANGE,
                key="callbacks.mid_epoch.every",
                value=every,
            )
        self.every, self.path = every, Path(path)
        self._generators: dict[str, Any] = {}
        self._active = False

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Warn if nothing can be saved within epochs; restore the checkpoint's random state."""
        why = _obstacle(trainer)
        self._active = why is None
        if why is not None:
            console.warn(f"callbacks=mid_epoch: {why}, so a run is resumed from the ends of epochs")
        if self._generators:
            torch.set_rng_state(self._generators["cpu"])
            if (cuda := self._generators["cuda"]) and len(cuda) == torch.cuda.device_count():
                torch.cuda.set_rng_state_all(cuda)

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save a checkpoint, except within an accumulated step and at the end of an epoch."""
        whole_step = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        due = whole_step and (batch_idx + 1) % self.every == 0
        if self._active and due and not trainer.is_last_batch:
            trainer.save_checkpoint(self.path)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the random generators."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return {"cpu": torch.get_rng_state(), "cuda": cuda}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the state of the generators until training starts."""
        self._generators = dict(state_dict)


def _obstacle(trainer: L.Trainer) -> str | None:
    """Return the reason why a run cannot be resumed within an epoch; None if it can."""
    if trainer.world_size > 1:
        return "with several processes the checkpoint has the random numbers of one of them"
    loaders = training_loaders(trainer)
    plain = next((each for each in loaders if not isinstance(each, StatefulLoader)), None)
    if plain is None:
        return None
    return f"the training loader, a {type(plain).__name__}, has no state_dict"
