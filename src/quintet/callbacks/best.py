"""Keep the checkpoint with the best P; of equals the latest."""

import lightning.pytorch as L
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor


class BestCheckpoint(ModelCheckpoint):
    """Lightning's ModelCheckpoint, but an epoch that equals the best so far replaces it.

    On a small validation split many epochs score the same. The first of them comes from the middle
    of the learning-rate schedule, the last from its end, where the weights have settled.
    """

    def check_monitor_top_k(self, trainer: L.Trainer, current: Tensor | None = None) -> bool:
        """Tell whether `current`, P of this epoch and the same on all ranks, is to be saved."""
        worst = self.best_k_models.get(self.kth_best_model_path)
        tied = current is not None and worst is not None and bool(current == worst)
        return tied or super().check_monitor_top_k(trainer, current)
