"""The size of the weights, epoch by epoch: it shows what weight decay does."""

import lightning.pytorch as L
import torch


class WeightNorm(L.Callback):
    """Logs the norm of all trainable weights at the end of each training epoch.

    It is a column of metrics.csv and a curve of the trackers. Nothing is computed during an epoch.

    Args:
        name: of the column.

    """

    def __init__(self, name: str = "weight_norm") -> None:
        self.name = name

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the norm as it is now."""
        weights = [p.detach() for p in pl_module.parameters() if p.requires_grad]
        pl_module.log(self.name, torch.nn.utils.get_total_norm(weights))
