"""Early stopping that is preserved on resume."""

from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import EarlyStopping as LightningEarlyStopping
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason
from torch import Tensor

from quintet.training.callbacks.measured import measured


class EarlyStopping(LightningEarlyStopping):
    """Lightning's EarlyStopping, except that a stopped run stays stopped on resume.

    A resumed run uses the current patience. Epochs without validation do not count. The arguments
    are Lightning's. Source: Prechelt 1998, "Early stopping - but when?".
    """

    def _validate_condition_metric(self, logs: dict[str, Tensor]) -> bool:
        return measured(self.monitor, logs) and super()._validate_condition_metric(logs)

    def remark(self) -> str | None:
        """Return a message if the run stopped because the metric was not finite, else None."""
        if self.stopping_reason is not EarlyStoppingReason.NON_FINITE_METRIC:
            return None
        return (
            f"{self.monitor} was not finite after epoch {self.stopped_epoch + 1}, so training "
            "stopped (otherwise: callbacks.early_stopping.check_finite=false)."
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the count, but keep the current patience."""
        super().load_state_dict({**state_dict, "patience": self.patience})

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop again if the run was stopped in an earlier session."""
        if self.stopping_reason is EarlyStoppingReason.PATIENCE_EXHAUSTED:
            trainer.should_stop = self.wait_count >= self.patience
        elif self.stopping_reason is not EarlyStoppingReason.NOT_STOPPED:
            trainer.should_stop = True
