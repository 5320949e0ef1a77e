"""Progress of a run: two lines in a terminal, occasional plain lines elsewhere."""

import math
from collections.abc import Mapping
from time import monotonic
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import ModelCheckpoint
from rich.markup import escape
from torch import Tensor

from quintet.base.devices import memory
from quintet.base.formatting import score
from quintet.base.terminal import everywhere
from quintet.training.callbacks.progress_view import Bars, Numbers, PlainLines, WithinEpoch

KEPT = 0.8
"""Decay of the running loss at each redraw."""
MEASURABLE = 1.0
"""Seconds of an epoch after which its speed is shown."""


class Progress(L.Callback):
    """Show epochs, the metric so far and the time left; within long epochs, also batches.

    Reading values from the device and drawing are limited by the `patience` of the view: an epoch
    of five milliseconds costs as little as a batch of a long one.

    Args:
        metric: name under which the primary metric is logged.

    """

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self._view: Bars | PlainLines | None = None
        self._next = 0.0
        self._begun = self._rate = 0.0
        self._earlier = 0
        self._loss: float | None = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Show the start of the run, which may be within an epoch of an earlier session."""
        self._begun, self._earlier = monotonic(), _trained(trainer)
        if not trainer.is_global_zero:
            return
        console = everywhere()
        kind = Bars if console.is_terminal else PlainLines
        self._view = kind(console, _done(trainer), _epochs(trainer))
        self._next = monotonic() + self._view.patience

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Show the numbers of the last epoch; at its end, training metrics were not complete."""
        self._begun, self._earlier, self._loss = monotonic(), 0, None
        resumed = not trainer.callback_metrics  # an earlier session has shown the last epoch
        if self._view is not None and (done := trainer.current_epoch) and not resumed:
            self._view.ended(done, self._numbers(trainer))

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Show progress within a long epoch."""
        if self._view is None or (now := monotonic()) < self._next:
            return
        self._next = now + self._view.patience
        if (spent := now - self._begun) > MEASURABLE:
            self._rate = (batch_idx + 1 - self._earlier) / spent
        self._running(outputs)
        self._view.progressed(
            _done(trainer, batch_idx + 1),
            WithinEpoch(
                "batch", batch_idx + 1, trainer.num_training_batches, spent, self._state(pl_module)
            ),
        )

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Show progress within a long validation."""
        if self._view is None or (now := monotonic()) < self._next:
            return
        self._next = now + self._view.patience
        validated = batch_idx + 1 + int(sum(_validated(trainer)[:dataloader_idx]))
        self._view.progressed(
            _done(trainer, _trained(trainer), validated),
            WithinEpoch("val", validated, sum(_validated(trainer)), now - self._begun),
        )

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Show the final numbers."""
        if self._view is not None:
            self._view.ended(trainer.current_epoch, self._numbers(trainer), last=True)

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Stop drawing and end the line, since `teardown` is not called."""
        self._close()

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Stop drawing; keep what is shown."""
        self._close()

    def _close(self) -> None:
        if self._view is not None:
            self._view.close()
            self._view = None

    def _running(self, outputs: object) -> None:
        """Update the running loss with that of a batch, if the module returns it."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if isinstance(loss, Tensor) and loss.numel() == 1:
            new = float(loss)
            self._loss = new if self._loss is None else KEPT * self._loss + (1 - KEPT) * new

    def _state(self, module: L.LightningModule) -> list[str]:
        """Return running loss, speed and device memory, if known."""
        loss = [] if self._loss is None else [f"loss {score(self._loss)}"]
        speed = [f"{_per_second(self._rate)} it/s"] if self._rate else []
        return [*loss, *speed, *filter(None, [memory(module.device)])]

    def _numbers(self, trainer: L.Trainer) -> Numbers:
        """Return a function that formats the latest epoch's numbers and the best metric so far.

        They are stored now, since the next epoch clears them, and read from the device when shown.
        """
        logged: dict[str, Any] = trainer.callback_metrics
        shown = [n for n in ("train/loss", "val/loss", f"val/{self.metric}") if n in logged]
        taken = {escape(name): logged[name] for name in shown}
        kept = (c for c in trainer.checkpoint_callbacks if isinstance(c, ModelCheckpoint))
        if (best := next((c.best_model_score for c in kept), None)) is not None:
            taken["best"] = best
        return lambda: [f"{name} {score(float(value))}" for name, value in taken.items()]


def _done(trainer: L.Trainer, trained: int = 0, validated: int = 0) -> float:
    """Return the number of completed epochs, including a fraction of the current one."""
    batches = trainer.num_training_batches + sum(_validated(trainer))
    return trainer.current_epoch + (trained + validated) / max(1, batches)


def _trained(trainer: L.Trainer) -> int:
    """Return the number of completed batches of the current epoch."""
    return int(trainer.fit_loop.epoch_loop.batch_progress.current.completed)


def _validated(trainer: L.Trainer) -> list[float]:
    """Return the number of batches of each validation loader; unknown before the first epoch."""
    return [float(n) for n in trainer.num_val_batches]


def _epochs(trainer: L.Trainer) -> int | None:
    """Return the maximum number of epochs of the run, rounded up; None if unknown."""
    limits = [trainer.max_epochs or -1]
    if math.isfinite(batches := trainer.num_training_batches):
        steps = math.ceil(batches / trainer.accumulate_grad_batches)
        limits.append(math.ceil(trainer.max_steps / max(1, steps)))
    return min((limit for limit in limits if limit > 0), default=None)


def _per_second(rate: float) -> str:
    """Format a speed: 1,230 or 12 or 0.35."""
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
