"""Repeating the changes made to another run's optimizer during training."""

from pathlib import Path
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import Checkpoint

from quintet.artifacts import steering_files
from quintet.artifacts.steering_files import CHANGES
from quintet.base.errors import Code, UserError
from quintet.training.callbacks.changes import change
from quintet.training.optimizer_updates import schedules_of, steer

KEY = "callbacks.replay.run"


class Replay(Checkpoint):
    """Apply the changes in the `steering.csv` of another run, each before the same step.

    A steered run, or the winner of population-based training, can thus be retrained with a single
    command. If all other choices are unchanged, the weights are the same.
    (A `Checkpoint`, so that Lightning calls it after the callbacks whose state it saves.)

    Args:
        run: folder of the other run.

    """

    def __init__(self, run: str) -> None:
        self.run = Path(run)
        self.changes: list[dict[str, Any]] = []
        self._next = 0

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Read the changes.

        Raises:
            UserError: the run has none.

        """
        self._recorded = [
            (row, found)
            for row in steering_files.read(self.run)
            if not row["refused"] and (found := steering_files.setting(row["key"])) is not None
        ]
        if not self._recorded:
            raise UserError(
                f"has no changes to repeat: its {CHANGES} is missing or empty",
                code=Code.NOT_FOUND,
                key=KEY,
                value=self.run,
                hint="Give the folder of a run that was steered",
            )

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Apply the changes of this step."""
        while self._next < len(self._recorded):
            row, (index, name) = self._recorded[self._next]
            if int(row["step"]) > trainer.global_step:
                return
            optimizer, value = trainer.optimizers[index or 0], float(row["after"])
            before = optimizer.param_groups[0].get(name)
            refused = steer(optimizer, schedules_of(trainer, optimizer), name, value) or ""
            made = change(trainer, row["key"], before, value, refused, by="replay")
            self.changes.append(made)
            self._next += 1

    def state_dict(self) -> dict[str, Any]:
        """Return the changes applied so far, which a resumed run does not repeat."""
        return {"next": self._next, "changes": self.changes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the changes applied so far."""
        self._next, self.changes = state_dict["next"], list(state_dict["changes"])
