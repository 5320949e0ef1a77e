"""Babysit one model: change its learning rate, and the like, while it trains."""

import csv
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import yaml

HYPERPARAMETERS = ("lr", "momentum", "weight_decay")


class Controls(L.Callback):
    """Follows a file that a person edits while the model trains, and keeps a record of it.

    The file has lines such as `lr: 0.01`; `stop: true` ends the run as if it had finished. Each
    change goes to `changes.csv` beside it. A new learning rate moves the whole schedule: it goes
    on in its shape, as many times higher or lower. What is not understood is recorded, and
    changes nothing.

    Args:
        path: of the file, looked at before every batch.

    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.applied: dict[str, Any] = {}
        self._seen = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say where the file is."""
        if trainer.is_global_zero:
            print(f"To change the rate while it trains:  echo 'lr: 0.01' > {self.path}")

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Apply what is new in the file."""
        try:
            changed = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed == self._seen:
            return
        self._seen = changed
        for key, value in self._read().items():
            if self.applied.get(key) != value:
                self.applied[key] = value
                self._apply(trainer, key, value)

    def _read(self) -> dict[str, Any]:
        try:
            content = yaml.safe_load(self.path.read_text())
        except yaml.YAMLError:
            return {}  # half written, or mistyped
        return content if isinstance(content, dict) else {}

    def _apply(self, trainer: L.Trainer, key: str, value: Any) -> None:
        groups = [group for o in trainer.optimizers for group in o.param_groups]
        number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        before: Any = groups[0].get(key)
        if key == "stop" and value is True:
            trainer.should_stop = True
        elif key == "lr" and number and before:
            self._scale(trainer, groups, value / before)
        elif key in HYPERPARAMETERS and number and before is not None:
            for group in groups:
                group[key] = value
        else:
            before = "not understood"
        self._record(trainer, key, before, value)

    def _scale(self, trainer: L.Trainer, groups: list[dict[str, Any]], factor: float) -> None:
        for group in groups:
            for name in ("lr", "initial_lr", "max_lr", "min_lr"):
                if name in group:
                    group[name] *= factor
        for config in trainer.lr_scheduler_configs:
            if (rates := getattr(config.scheduler, "base_lrs", None)) is not None:
                config.scheduler.base_lrs = [rate * factor for rate in rates]

    def _record(self, trainer: L.Trainer, key: str, before: Any, after: Any) -> None:
        if not trainer.is_global_zero:
            return
        path = self.path.with_name("changes.csv")
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if new:
                writer.writerow(["epoch", "step", "key", "before", "after"])
            writer.writerow([trainer.current_epoch, trainer.global_step, key, before, after])

    def state_dict(self) -> dict[str, Any]:
        """Return what has been applied, which a resumed run does not apply again."""
        return {"applied": self.applied}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what has been applied."""
        self.applied = dict(state_dict["applied"])
