"""One calm line for a whole run."""

import math
import time

import lightning.pytorch as L
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from torch import Tensor

from quintet.base.terminal import everywhere

REDRAW = 0.2
"""Seconds between two redraws within an epoch."""
WIDE = 115
"""Columns of a terminal from which the bar is long and the training loss beside it."""


class Progress(L.Callback):
    """Draws a bar over the run's epochs with P; plain lines where the output is no terminal.

    Args:
        metric: P's name in the logs.

    """

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self.console = everywhere()
        self._bar: Bar | None = None
        self._line = TaskID(0)
        self._drawn = 0.0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Draw the empty bar."""
        if trainer.is_global_zero and self.console.is_terminal:
            self._bar = Bar(
                TextColumn("epoch"),
                MofNCompleteColumn(),
                BarColumn(bar_width=30 if self._wide() else 10),
                TextColumn("{task.description}"),
                TimeRemainingColumn(elapsed_when_finished=True),
                console=self.console,
                auto_refresh=False,
            )
            self._line = self._bar.add_task(
                "", total=_epochs(trainer), completed=trainer.current_epoch
            )
            self._bar.start()

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Show long epochs move."""
        if self._bar is None or (now := time.monotonic()) - self._drawn < REDRAW:
            return
        self._drawn = now
        part = (batch_idx + 1) / max(1.0, trainer.num_training_batches)
        self._bar.update(self._line, completed=int(trainer.current_epoch + part), refresh=True)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Show the last epoch's numbers; at its own end the training split's are not in yet."""
        self._show(trainer, done=trainer.current_epoch)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Show the final numbers."""
        self._show(trainer, done=trainer.current_epoch, last=True)

    def _show(self, trainer: L.Trainer, done: int, last: bool = False) -> None:
        text = self._text(trainer.callback_metrics)
        if not text or not trainer.is_global_zero:
            return
        if self._bar is not None:
            self._bar.update(self._line, completed=done, description=text, refresh=True)
        elif last or _worth_a_line(done, _epochs(trainer) or 0):
            self.console.print(f"epoch {done}/{_epochs(trainer) or '?'}  {text}", highlight=False)

    def _text(self, metrics: dict[str, Tensor]) -> str:
        shown = ["train/loss", "val/loss", f"val/{self.metric}"]
        shown = shown if self._wide() or self._bar is None else shown[1:]
        return "  ".join(
            f"{escape(name)} {float(metrics[name]):.4f}" for name in shown if name in metrics
        )

    def _wide(self) -> bool:
        """Return whether a line has room for everything."""
        return self.console.width >= WIDE

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Leave the bar as it stands, also after an error."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _epochs(trainer: L.Trainer) -> int | None:
    """Return how many epochs the run takes at most, the last of them maybe in part."""
    steps = math.ceil(trainer.num_training_batches / trainer.accumulate_grad_batches)
    limits = (trainer.max_epochs or -1, math.ceil(trainer.max_steps / max(1, steps)))
    return min((limit for limit in limits if limit > 0), default=None)


def _worth_a_line(epoch: int, epochs: int) -> bool:
    """Return whether an epoch gets a plain line: about ten a run."""
    return epochs < 20 or epoch % max(1, epochs // 10) == 0
