"""Saving the checkpoint with the best metric (on ties, the latest) and the last checkpoint."""

from pathlib import Path
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor

from quintet.training.callbacks.measured import measured


class BestCheckpoint(ModelCheckpoint):
    """Lightning's ModelCheckpoint, except that on ties the latest epoch is kept.

    On a small validation split, many epochs have the same score. The first of them is in the middle
    of the learning-rate schedule, the last at its end, where the weights have converged.

    Epochs without validation are not considered. The last checkpoint, from which a run is resumed,
    is written after every epoch; Lightning only writes it after epochs among the best.
    """

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save the epoch as the last checkpoint, and as the best one if it is."""
        super().on_train_epoch_end(trainer, pl_module)
        due = self._every_n_epochs >= 1 and (trainer.current_epoch + 1) % self._every_n_epochs == 0
        if due and not self._should_skip_saving_checkpoint(trainer):  # skip if already saved
            self._save_last_checkpoint(trainer, self._monitor_candidates(trainer))

    def _save_topk_checkpoint(
        self, trainer: L.Trainer, monitor_candidates: dict[str, Tensor]
    ) -> None:
        if measured(self.monitor, monitor_candidates):
            super()._save_topk_checkpoint(trainer, monitor_candidates)

    def check_monitor_top_k(self, trainer: L.Trainer, current: Tensor | None = None) -> bool:
        """Return whether to save an epoch with metric `current`, which is equal on all ranks."""
        worst = self.best_k_models.get(self.kth_best_model_path)
        tied = current is not None and worst is not None and bool(current == worst)
        return tied or super().check_monitor_top_k(trainer, current)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a checkpoint's state, with its paths moved to the current folder.

        Raises:
            ValueError: a path is not that of a checkpoint; the file would be replaced or deleted.

        """
        state = dict(state_dict, dirpath=self.dirpath)
        for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
            state[key] = self._here(state[key])
        state["best_k_models"] = {self._here(k): v for k, v in state["best_k_models"].items()}
        super().load_state_dict(state)
        # Otherwise a run that is resumed after its last epoch would overwrite it with a worse one.
        self._last_checkpoint_saved = self.last_model_path

    def _here(self, path: str) -> str:
        if not path:
            return path
        if Path(path).suffix != self.FILE_EXTENSION:
            raise ValueError(f"{path!r} is not a checkpoint")
        return str(Path(self.dirpath or "") / Path(path).name)
