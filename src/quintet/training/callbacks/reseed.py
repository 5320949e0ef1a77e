"""Seeding of each epoch as a function of seed and epoch."""

import lightning.pytorch as L
import torch

from quintet.training.lightning_patches import restart_batches


class Reseed(L.Callback):
    """Seed torch at the start of every training epoch.

    A resumed run then has the same dropout, augmentation and order of batches as an uninterrupted
    one, without saving the state of generators. Each rank has its own seed.

    Args:
        seed: seed of the run.

    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._first = True

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Seed all generators of torch."""
        place = trainer.current_epoch * trainer.world_size + trainer.global_rank
        torch.manual_seed(self.seed * 1_000_003 + place)
        if self._first:  # a DataLoader draws its seed when iteration begins
            restart_batches(trainer)
        self._first = False
