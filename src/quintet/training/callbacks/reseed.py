"""Random numbers of an epoch as a function of seed and epoch."""

import lightning.pytorch as L
import torch

from quintet.training.lightning_patches import begin_batches_again


class Reseed(L.Callback):
    """Seeds torch at the start of every training epoch.

    A resumed run then draws the same dropout, augmentation and order of batches as an uninterrupted
    one, with no generator state to save. Each rank has its own seed.

    Args:
        seed: of the run.

    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._first = True

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Seed all of torch's generators."""
        place = trainer.current_epoch * trainer.world_size + trainer.global_rank
        torch.manual_seed(self.seed * 1_000_003 + place)
        if self._first:  # a DataLoader draws from the seed when it is iterated over
            begin_batches_again(trainer)
        self._first = False
