"""Keep the checkpoint with the best P, of equals the latest, and the last one of all."""

from pathlib import Path
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor

from quintet.training.callbacks.measured import measured


class BestCheckpoint(ModelCheckpoint):
    """Lightning's ModelCheckpoint, but an epoch that equals the best so far replaces it.

    On a small validation split many epochs score the same. The first of them comes from the middle
    of the learning-rate schedule, the last from its end, where the weights have settled.

    An epoch that was not validated is no candidate. The last checkpoint, from which a run is
    resumed, is written of every epoch; Lightning writes it only of one that is among the best.
    """

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save the epoch, if it is the best so far, and as the last."""
        super().on_train_epoch_end(trainer, pl_module)
        due = self._every_n_epochs >= 1 and (trainer.current_epoch + 1) % self._every_n_epochs == 0
        if due and not self._should_skip_saving_checkpoint(trainer):  # as it is already saved
            self._save_last_checkpoint(trainer, self._monitor_candidates(trainer))

    def _save_topk_checkpoint(
        self, trainer: L.Trainer, monitor_candidates: dict[str, Tensor]
    ) -> None:
        if measured(self.monitor, monitor_candidates):
            super()._save_topk_checkpoint(trainer, monitor_candidates)

    def check_monitor_top_k(self, trainer: L.Trainer, current: Tensor | None = None) -> bool:
        """Return whether `current`, P of this epoch and the same on all ranks, is to be saved."""
        worst = self.best_k_models.get(self.kth_best_model_path)
        tied = current is not None and worst is not None and bool(current == worst)
        return tied or super().check_monitor_top_k(trainer, current)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint's state, with its paths where the folder is today.

        Raises:
            ValueError: a path is no checkpoint's; it would be replaced, and deleted.

        """
        state = dict(state_dict, dirpath=self.dirpath)
        for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
            state[key] = self._here(state[key])
        state["best_k_models"] = {self._here(k): v for k, v in state["best_k_models"].items()}
        super().load_state_dict(state)
        # Otherwise a run that is resumed at its end would save again, in less detail.
        self._last_checkpoint_saved = self.last_model_path

    def _here(self, path: str) -> str:
        if not path:
            return path
        if Path(path).suffix != self.FILE_EXTENSION:
            raise ValueError(f"{path!r} is no checkpoint")
        return str(Path(self.dirpath or "") / Path(path).name)
