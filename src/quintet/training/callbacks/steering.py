"""Steering: handling the requests of `python src/steer.py` during training."""

import time
from pathlib import Path
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import Checkpoint

from quintet.artifacts.steering_files import (
    REQUESTS,
    Change,
    Request,
    asked,
    now,
    setting,
    write,
)
from quintet.artifacts.untrusted_files import DamagedError
from quintet.base import schema
from quintet.base.formatting import plural
from quintet.training.callbacks.changes import change, restored
from quintet.training.optimizer_updates import schedules_of, steer

PAUSE = 0.2
"""Seconds between checks; a check takes about 15 microseconds, which is slow for a small model."""


class Steering(Checkpoint):
    """Handle requests five times per second; with several ranks, before every epoch.

    Outcomes are written to `steering.csv` and to the run's record. Changes to an optimizer are
    preserved on resume: they are part of checkpoints, and a change made after the last checkpoint
    is repeated. Pauses, stops and checkpoints only apply to the current session.
    (A `Checkpoint`, so that Lightning calls it after the callbacks whose state it saves.)

    Args:
        folder: folder of the run.

    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.changes: list[dict[str, Any]] = []
        self._lines = self._size = 0
        self._next = 0.0
        self._paused = self._stop = self._keep = False
        self._began = now()

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Handle new requests; block while the run is paused."""
        time_now = time.monotonic()
        if batch_idx and (trainer.world_size > 1 or time_now < self._next):
            return
        self._next = time_now + PAUSE
        self._follow(trainer)
        while self._paused:
            time.sleep(PAUSE)
            self._follow(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save a checkpoint or stop, if that was requested during the epoch."""
        if self._keep:
            trainer.save_checkpoint(self._checkpoint(trainer))
        self._keep = False
        trainer.should_stop = trainer.should_stop or self._stop

    def _follow(self, trainer: L.Trainer) -> None:
        requests = self._new() if trainer.is_global_zero else []
        if trainer.world_size > 1:
            requests = trainer.strategy.broadcast(requests)
        for request in requests:
            self._take(trainer, request)
        if requests and trainer.is_global_zero:
            write(self.folder, [Change(**each) for each in self.changes])

    def _new(self) -> list[Request]:
        """Return the requests since the last check."""
        try:
            size = (self.folder / REQUESTS).stat().st_size
            if size == self._size:
                return []
            self._size = size
            requests, self._lines = asked(self.folder, self._lines)
        except (OSError, DamagedError):  # an invalid file must not end a run
            return []
        lasting = (r for r in requests if r.key.startswith("optimizer.") or r.asked > self._began)
        return list(lasting)

    def _take(self, trainer: L.Trainer, request: Request) -> None:
        if (found := setting(request.key)) is not None:
            self._set(trainer, request, *found)
            return
        before: bool | None = None
        after: float | bool | str = request.value
        if request.key == "pause":
            before, self._paused = self._paused, bool(request.value)
        elif request.key == "stop":
            before, self._stop, self._paused = self._stop, True, False
        else:
            self._keep, after = True, str(self._checkpoint(trainer).relative_to(self.folder))
        self._note(trainer, request, request.key, before, after)

    def _set(self, trainer: L.Trainer, request: Request, which: int | None, name: str) -> None:
        """Change a setting of one optimizer, or of all optimizers of the module."""
        several, given = len(trainer.optimizers) > 1, float(request.value)
        relative, name = name == "lr_factor", name.removesuffix("_factor")
        for index, optimizer in enumerate(trainer.optimizers):
            if which in (None, index):
                key = f"optimizer.{index}.{name}" if several else f"optimizer.{name}"
                before = optimizer.param_groups[0].get(name)
                value = given * before if relative and before is not None else given
                refused = steer(optimizer, schedules_of(trainer, optimizer), name, value) or ""
                self._note(trainer, request, key, before, value, refused)
        if which is not None and which >= len(trainer.optimizers):
            refused = f"the module has {plural(len(trainer.optimizers), 'optimizer')}, from 0 on"
            self._note(trainer, request, request.key, None, given, refused)

    def _note(
        self,
        trainer: L.Trainer,
        request: Request,
        key: str,
        before: float | bool | None,
        after: float | bool | str,
        refused: str = "",
    ) -> None:
        asked = {"by": request.by, "asked": request.asked}
        self.changes.append(change(trainer, key, before, after, refused, **asked))

    def _checkpoint(self, trainer: L.Trainer) -> Path:
        return self.folder / "checkpoints" / f"epoch_{trainer.current_epoch + 1:04}.ckpt"

    def state_dict(self) -> dict[str, Any]:
        """Return the requests handled so far, which a resumed run does not repeat."""
        return {"lines": self._lines, "changes": self.changes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the requests handled so far."""
        self._lines = schema.fitting(int, state_dict["lines"], "lines")
        self.changes = restored(state_dict["changes"])
