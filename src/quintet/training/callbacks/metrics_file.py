"""metrics.csv: one row per epoch, in every run folder."""

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
    """Writes one row per epoch: epoch, steps so far, initial learning rates, all logged metrics.

    The rows are part of the checkpoint, so the file of a resumed run continues after the epoch that
    it resumes from and ends up equal to that of an uninterrupted run. (A `Checkpoint`, because
    Lightning calls those when the epoch's metrics are complete, and this one before it saves.)

    Args:
        path: of the CSV file.

    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.rows: list[Row] = []
        self._rates: Row = {}

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note each optimizer's learning rate at the start of the epoch."""
        self._rates = rates(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Add the epoch's row."""
        self.add(trainer)
        self.write()

    def add(self, trainer: L.Trainer) -> None:
        """Add the epoch's row, to be written."""
        logged = {k: float(v) for k, v in sorted(trainer.callback_metrics.items())}
        at = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        begun = self._rates  # last too: what is logged of them has been rounded to float32
        self.rows.append({**at, **begun, **logged, **begun})

    @rank_zero_only
    def write(self) -> None:
        """Replace the file."""
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        write_atomically(self.path, csv_cells.table(columns, self.rows))

    def state_dict(self) -> dict[str, Any]:
        """Return the rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the rows of a checkpoint.

        Raises:
            ValueError: they are no rows of numbers.

        """
        schema.fitting(list[Row], state_dict["rows"], "rows")
        self.rows = list(state_dict["rows"])
