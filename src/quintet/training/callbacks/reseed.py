"""Make an epoch's randomness a function of seed and epoch."""

import lightning.pytorch as L
import torch


class Reseed(L.Callback):
    """Seeds torch at the start of every training epoch.

    Dropout and augmentation then repeat themselves when a run is resumed at an epoch's end, with
    no generator state to save. Ranks draw differently.

    Args:
        seed: of the run.

    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Seed all of torch's generators."""
        place = trainer.current_epoch * trainer.world_size + trainer.global_rank
        torch.manual_seed(self.seed * 1_000_003 + place)
