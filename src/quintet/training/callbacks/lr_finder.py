"""A learning-rate range test before training that sets the learning rate."""

import copy
from itertools import islice
from pathlib import Path
from typing import Any, cast

import lightning.pytorch as L
import torch

from quintet.base.console import with_same_overrides
from quintet.base.errors import Code, UserError
from quintet.base.files import write_atomically
from quintet.diagnostics.lr_range_test import STEPS, Curve, range_test
from quintet.diagnostics.subject import optimizer_of
from quintet.modules.supervised import SupervisedModule
from quintet.training.callbacks.changes import change, restored
from quintet.training.optimizer_updates import schedules_of, steer


class LRFinder(L.Callback):
    """Train a copy of the model with a rising rate and set the suggested rate.

    The suggestion replaces `optimizer.lr`, and the schedule is scaled accordingly, as in steering.
    The change is stored in the run's record (`steering`), the curve in a CSV file next to it. With
    several ranks, the first one runs the test. A resumed run keeps its rate. Smith 2017, "Cyclical
    learning rates for training neural networks", section 3.3.

    Args:
        path: path of the CSV file for the curve.

    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.changes: list[dict[str, Any]] = []

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Check that the training step of the module can be run on a copy.

        Raises:
            UserError: it is not a `SupervisedModule`.

        """
        if not isinstance(pl_module, SupervisedModule):
            raise UserError(
                f"tests the rate on a copy of module=supervised; {type(pl_module).__name__} has a "
                "training step of its own",
                code=Code.INCOMPATIBLE,
                key="callbacks",
                value="lr_finder",
                hint="Leave it out; check.py runs the range test for any module with "
                "automatic optimization and one optimizer, and suggests a rate",
            )

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Run the test and set the rate.

        Raises:
            UserError: the loss does not fall at any rate.

        """
        if self.changes:
            return
        optimizer = trainer.optimizers[0]
        before = float(optimizer.defaults["lr"])
        rate = 0.0
        if trainer.is_global_zero:
            curve = self._curve(trainer, pl_module)
            write_atomically(self.path, curve.to_csv())
            rate = curve.suggestion if curve.learns else 0.0
        rate = trainer.strategy.broadcast(rate)
        if not rate:
            raise UserError(
                f"found no learning rate at which the loss falls; the curve is in {self.path}",
                code=Code.FAILED,
                key="callbacks",
                value="lr_finder",
                hint=f"Train without it, and run `{with_same_overrides('check')}`",
            )
        schedules = schedules_of(trainer, optimizer)
        first = optimizer.param_groups[0]["lr"]
        refused = steer(optimizer, schedules, "lr", first * rate / before) or ""
        self.changes = [change(trainer, "optimizer.lr", before, rate, refused, by="lr_finder")]

    def _curve(self, trainer: L.Trainer, pl_module: L.LightningModule) -> Curve:
        """Return the curve of a copy; model and random state are left unchanged."""
        with torch.random.fork_rng():
            task: SupervisedModule = copy.deepcopy(pl_module)  # type: ignore[assignment]
            loader = cast(Any, trainer.train_dataloader)
            batches = [
                trainer.strategy.batch_to_device(batch, task.device)
                for batch in islice(loader, STEPS)
            ]
            return range_test(lambda b: task.training_step(b, 0), optimizer_of(task), batches)

    def state_dict(self) -> dict[str, Any]:
        """Return the change that was made."""
        return {"changes": self.changes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the change that was made."""
        self.changes = restored(state_dict["changes"])
