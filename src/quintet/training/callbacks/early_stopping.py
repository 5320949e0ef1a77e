"""Early stopping that a resumed run remembers."""

from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import EarlyStopping as LightningEarlyStopping
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason
from torch import Tensor

from quintet.training.callbacks.measured import measured


class EarlyStopping(LightningEarlyStopping):
    """Lightning's, which forgets on resuming that it had stopped the run, and keeps old patience.

    An epoch that was not validated does not count. Prechelt, 1998, "Early Stopping - But When?".
    The arguments are Lightning's.
    """

    def _validate_condition_metric(self, logs: dict[str, Tensor]) -> bool:
        return measured(self.monitor, logs) and super()._validate_condition_metric(logs)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting, with today's patience."""
        super().load_state_dict({**state_dict, "patience": self.patience})

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop again, if the run has already been stopped."""
        if self.stopping_reason is EarlyStoppingReason.PATIENCE_EXHAUSTED:
            trainer.should_stop = self.wait_count >= self.patience
        elif self.stopping_reason is not EarlyStoppingReason.NOT_STOPPED:
            trainer.should_stop = True
