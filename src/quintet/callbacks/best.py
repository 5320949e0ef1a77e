"""Keep the checkpoint with the best P; of equals the latest, also when the run is resumed."""

from pathlib import Path
from typing import Any

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

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint's state, with its paths where the folder is today."""
        state = dict(state_dict, dirpath=self.dirpath)
        for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
            state[key] = self._here(state[key])
        state["best_k_models"] = {self._here(k): v for k, v in state["best_k_models"].items()}
        super().load_state_dict(state)
        # Otherwise a run that is resumed at its end would save again, in less detail.
        self._last_checkpoint_saved = self.last_model_path

    def _here(self, path: str) -> str:
        return str(Path(self.dirpath or "") / Path(path).name) if path else path
