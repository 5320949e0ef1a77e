"""metrics.csv of a run folder, with one row per epoch."""

from pathlib import Path
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.utilities import rank_zero_only

from quintet.artifacts import csv_cells
from quintet.base import schema
from quintet.base.files import write_atomically
from quintet.training.callbacks.step_log import rates

Row = dict[str, float]


class MetricsFile(Checkpoint):
    """Write one row per epoch: epoch, steps so far, initial learning rates, all logged metrics.

    The rows are part of the checkpoint, so the file of a resumed run continues after the epoch of
    its checkpoint and finally equals that of an uninterrupted run. (A `Checkpoint`, because
    Lightning calls these when the metrics of an epoch are complete; this one precedes saving.)

    Args:
        path: path of the CSV file.

    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.rows: list[Row] = []
        self._rates: Row = {}

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the learning rate of each optimizer at the start of the epoch."""
        self._rates = rates(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Add the row of the epoch and write the file."""
        self.add(trainer)
        self.write()

    def add(self, trainer: L.Trainer) -> None:
        """Add the row of the epoch without writing the file."""
        logged = {k: float(v) for k, v in sorted(trainer.callback_metrics.items())}
        at = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        begun = self._rates  # overrides logged values, which are rounded to float32
        self.rows.append({**at, **begun, **logged, **begun})

    @rank_zero_only
    def write(self) -> None:
        """Write the file."""
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        write_atomically(self.path, csv_cells.table(columns, self.rows))

    def state_dict(self) -> dict[str, Any]:
        """Return the rows so far, and the rates at the start of an incomplete epoch."""
        return {"rows": self.rows, "rates": self._rates}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the rows of a checkpoint.

        Raises:
            ValueError: they are not rows of numbers.

        """
        schema.fitting(list[Row], state_dict["rows"], "rows")
        self.rows = list(state_dict["rows"])
        self._rates = schema.fitting(Row, state_dict.get("rates", {}), "rates")
