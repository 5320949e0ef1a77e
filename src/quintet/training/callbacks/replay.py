"""Replay of the changes that were made to another run's optimizer during training."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import Checkpoint

from quintet.artifacts import steering_files, untrusted_files
from quintet.artifacts.steering_files import CHANGES
from quintet.base import schema
from quintet.base.errors import Code, UserError
from quintet.base.formatting import plural
from quintet.training.callbacks.changes import change, restored
from quintet.training.optimizer_updates import schedules_of, steer

KEY = "callbacks.replay.run"


@dataclass(frozen=True)
class Recorded:
    """A change to repeat: its step, key, optimizer, setting and value."""

    step: int
    key: str
    optimizer: int
    name: str
    value: float


class Replay(Checkpoint):
    """Makes the changes in another run's `steering.csv`, each before the same step.

    A run that was steered, or the winner of population-based training, can thus be repeated with
    one command. If the other choices are unchanged, so are the weights.
    (A `Checkpoint`, so that Lightning calls it after the callbacks whose state it saves.)

    Args:
        run: folder of the other run.

    """

    def __init__(self, run: str) -> None:
        self.run = Path(run)
        self.changes: list[dict[str, Any]] = []
        self._recorded: list[Recorded] = []
        self._next = 0

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Read the changes.

        Raises:
            UserError: there are none, or they are damaged.

        """
        with untrusted_files.understood(self.run / CHANGES):
            rows = (row for row in steering_files.read(self.run) if not row["refused"])
            self._recorded = [found for row in rows if (found := _repeatable(row)) is not None]
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
        """Make the changes of this step."""
        while self._next < len(self._recorded):
            if (found := self._recorded[self._next]).step > trainer.global_step:
                return
            self.changes.append(_made(trainer, found))
            self._next += 1

    def state_dict(self) -> dict[str, Any]:
        """Return the changes made so far, which a resumed run does not repeat."""
        return {"next": self._next, "changes": self.changes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the changes made so far."""
        self._next = max(0, schema.fitting(int, state_dict["next"], "next"))
        self.changes = restored(state_dict["changes"])


def _repeatable(row: Mapping[str, str]) -> Recorded | None:
    """Return a change of an optimizer; None for a pause, a stop or a checkpoint.

    Raises:
        ValueError: an optimizer cannot have been given this value.

    """
    key, value = row["key"], row["after"]
    if (found := steering_files.setting(key)) is None:
        return None
    if allowed := steering_files.problem(key, float(value)):
        raise ValueError(f"{key} is {value}, and should be {allowed}")
    return Recorded(int(row["step"]), key, found[0] or 0, found[1], float(value))


def _made(trainer: L.Trainer, found: Recorded) -> dict[str, Any]:
    """Make a change; return its record."""
    if found.optimizer >= (count := len(trainer.optimizers)):
        refused = f"the module has {plural(count, 'optimizer')}, from 0 on"
        return change(trainer, found.key, None, found.value, refused, by="replay")
    optimizer = trainer.optimizers[found.optimizer]
    before = optimizer.param_groups[0].get(found.name)
    schedules = schedules_of(trainer, optimizer)
    refused = steer(optimizer, schedules, found.name, found.value) or ""
    return change(trainer, found.key, before, found.value, refused, by="replay")
