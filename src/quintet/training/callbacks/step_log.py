"""Logging of learning rates to trackers once per epoch and, optionally, every few steps."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from quintet.artifacts import csv_cells, untrusted_files
from quintet.base import schema
from quintet.base.files import append, write_atomically

LOSS, NORM = "loss", "gradient_norm"
PREFIX = "step/"
"""Prefix of names in trackers, since `train/loss` is the mean over an epoch."""
BUFFERED = 100
"""Maximum number of buffered rows before they are appended to the file."""


class StepLog(L.Callback):
    """Log learning rates to trackers once per epoch and, if `every` is set, rows to steps.csv.

    A row has the step, its epoch, the loss of its batch, the gradient norm before clipping and the
    learning rates; it is also logged to trackers under `step/`. A resumed run continues after the
    step of its checkpoint.

    Args:
        path: path of the CSV file.
        every: optimizer steps between rows; None: no rows.

    """

    def __init__(self, path: str, every: int | None = None) -> None:
        self.path, self.every = Path(path), every or 0
        self._rows: list[dict[str, Any]] = []
        self._columns: list[str] = []
        self._rates: dict[str, float] = {}
        self._last, self._norm = 0, 0.0
        if not self.every:  # Lightning skips a hook that is None
            self.on_before_optimizer_step = None  # type: ignore[method-assign,assignment]
            self.on_train_batch_end = None  # type: ignore[method-assign,assignment]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Create the file, or drop the rows that an interrupted session logged too late."""
        self._last = trainer.global_step
        if self.every and trainer.is_global_zero:
            self._columns = ["step", "epoch", LOSS, NORM, *rates(trainer)]
            kept = [row for row in self._written() if int(row[0]) <= self._last]
            write_atomically(self.path, csv_cells.lines([self._columns, *kept]))

    def _written(self) -> list[list[str]]:
        """Return the complete rows of an earlier session."""
        folder, name = self.path.parent, self.path.name
        if not self._last or not untrusted_files.has(folder, name):
            return []
        text = untrusted_files.read_text(folder, name)
        rows = [line.split(",") for line in text.splitlines()[1:]]
        return [row for row in rows if len(row) == len(self._columns) and row[0].isdecimal()]

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the learning rates at the start of the epoch."""
        self._rates = rates(trainer)

    def on_before_optimizer_step(
        self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: Optimizer
    ) -> None:
        """Record the gradient norm if the step gets a row."""
        if (trainer.global_step + 1) // self.every > self._last // self.every:
            parameters = (p for group in optimizer.param_groups for p in group["params"])
            gradients = [p.grad for p in parameters if p.grad is not None]
            self._norm = float(get_total_norm(gradients))

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Add a row after every `every` steps."""
        step = trainer.global_step
        if step // self.every == self._last // self.every:
            return
        self._last = step
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        known = {LOSS: float(loss)} if isinstance(loss, Tensor) else {}
        row = {**known, NORM: self._norm, **rates(trainer)}
        for logger in trainer.loggers:
            logger.log_metrics({PREFIX + name: value for name, value in row.items()}, step)
        self._rows.append({"step": step, "epoch": trainer.current_epoch, **row})
        if len(self._rows) >= BUFFERED:
            self._append()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the learning rates with the metrics of the epoch; append its rows to the file."""
        if trainer.loggers:
            pl_module.log_dict(self._rates)
        self._rates = {}
        self._append()

    def on_save_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Append the rows that a run resumed from the checkpoint will not log again."""
        self._append()

    def state_dict(self) -> dict[str, Any]:
        """Return the learning rates at the start of an incomplete epoch; {} between epochs."""
        return {"rates": self._rates} if self._rates else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the learning rates at the start of an incomplete epoch."""
        self._rates = schema.fitting(dict[str, float], state_dict["rates"], "rates")

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Append the rows of an incomplete epoch."""
        self._append()

    @rank_zero_only
    def _append(self) -> None:
        if rows := self._rows:
            cells = ([row.get(name) for name in self._columns] for row in rows)
            append(self.path, csv_cells.lines(cells))
            self._rows = []


def rates(trainer: L.Trainer) -> dict[str, float]:
    """Return the learning rate of the first parameter group of every optimizer: lr, lr/1, ..."""
    groups = [optimizer.param_groups[0] for optimizer in trainer.optimizers]
    return {f"lr/{i}" if i else "lr": float(group.get("lr", 0.0)) for i, group in enumerate(groups)}
