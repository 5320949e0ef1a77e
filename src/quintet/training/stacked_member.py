"""One run of a stack: the same folder, callbacks, checkpoints and record as of a run alone."""

from collections.abc import Sequence
from contextlib import ExitStack
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import torch
from lightning.pytorch.utilities.types import LRSchedulerConfig

from quintet.artifacts import checkpoints
from quintet.artifacts.checkpoint_io import WholeCheckpointIO
from quintet.base import files
from quintet.config import run_folder
from quintet.config.initial_config import Composed
from quintet.config.instantiate import instantiate
from quintet.config.objectives import compared_by, measured
from quintet.data.module import DataModule
from quintet.diagnostics import training_curves
from quintet.diagnostics.start_checks import losses_before
from quintet.modules.stacked import Member
from quintet.modules.supervised import SupervisedModule
from quintet.training import build
from quintet.training.callbacks.measured import of_split
from quintet.training.callbacks.metrics_file import MetricsFile
from quintet.training.callbacks.session import EpochCounter, Replan
from quintet.training.initialization import initialise, seen_before
from quintet.training.lightning_patches import checkpoint_of
from quintet.training.outcome import describe, recording
from quintet.training.sizes import count_parameters, layers

CALLBACKS = ("early_stopping", "metrics_file", "checkpoint", "steering")
"""Default callbacks of which each run has its own, in the order in which Lightning calls them."""


@dataclass(frozen=True)
class BestEpoch:
    """The best epoch so far, counted from 1, its metrics and its checkpoint file."""

    epoch: int
    numbers: dict[str, float]
    file: str


class StackedRun:
    """A run that trains in a stack.

    Args:
        composed: config of the run, with the facts of its data and its length.
        data: of the run, loaded.
        share: this run's share of the process's CPU time.
        evaluate_later: whether the run is continued alone afterwards, for its evaluation. It is
            left as if interrupted after its last epoch; its time is its share of the elapsed time.

    """

    def __init__(
        self, composed: Composed, data: DataModule, share: float, *, evaluate_later: bool = False
    ) -> None:
        cfg = self.cfg = composed.cfg
        self.evaluate_later, self._of_seconds = evaluate_later, share if evaluate_later else 1.0
        self.data, self.folder = data, Path(cfg.paths.run)
        self.ended = self.pruned = False
        self._open = ExitStack()
        self._open.enter_context(run_folder.locked(cfg, self.folder))
        composed.write_down()  # not earlier: `held` checks whose files are there
        self.record = self._open.enter_context(recording(cfg, self.folder, share, self._of_seconds))

    def build(self) -> None:
        """Build the run's module, as `experiment.run` does."""
        cfg, record = self.cfg, self.record
        describe(record, cfg, self.data.columns)
        L.seed_everything(cfg.seed, workers=True, verbose=False)
        network = build.model(cfg)
        assert network is not None, "a supervised module has a model"
        advice, record.transfer = initialise(cfg, network)
        known = seen_before(cfg, self.data.ordered)
        record.anomalies = [str(each) for each in (*advice, known) if each]
        record.parameters = count_parameters(network)
        self.task: SupervisedModule = build.task(cfg, self.data, network)
        self.member = Member(self.task, cfg.seed)

    def begin(self, trainer: L.Trainer) -> None:
        """Claim the folder and prepare for the first epoch."""
        cfg = self.cfg
        run_folder.claim(cfg, self.folder)
        nodes = {name: cfg.callbacks.get(name) for name in CALLBACKS}
        own = {n: instantiate(node, f"callbacks.{n}") for n, node in nodes.items() if node}
        self.metrics: MetricsFile = own["metrics_file"]
        self.tally = EpochCounter(share=self._of_seconds)
        callbacks = [self.tally, Replan(cfg.facts.total_steps), *own.values()]
        self.trainer: Any = MemberTrainer(trainer, self.member, self.data, callbacks)
        for callback in own.values():
            callback.setup(self.trainer, self.task, "fit")
        self.record.sessions += 1
        losses = losses_before(self.task, self.data, cfg.loss.num_outputs)
        self.record.guess, self._initial = losses

    def on_epoch_start(self) -> None:
        """Record the learning rates at the start of the epoch."""
        self.metrics.on_train_epoch_start(self.trainer, self.task)

    def on_epoch_end(self) -> float | None:
        """Run the callbacks' end of an epoch; return the metric.

        Raises:
            DivergedError: the loss, or a weight, is no longer finite.

        """
        trainer, task = self.trainer, self.task
        numbers = dict[str, float]()
        for stage in ("train", "val"):
            numbers |= task.numbers(stage) | task.further(stage)
        trainer.callback_metrics = {name: torch.tensor(value) for name, value in numbers.items()}
        self.member.step_plateaus(numbers)
        for callback in trainer.callbacks:
            if callback is self.metrics:
                self.metrics.add(trainer)
            else:
                callback.on_train_epoch_end(trainer, task)
        return numbers.get(f"val/{self.cfg.metric.name}")

    def objectives(self) -> dict[str, float]:
        """Return the objectives after this epoch; times are those of the whole stack."""
        logged = of_split(self.trainer.callback_metrics, "val")
        return measured(compared_by(self.cfg), logged, self.record.parameters, None)

    def write(self) -> None:
        """Write the files of the epochs so far."""
        self.metrics.write()
        self.trainer.write()

    def finish(self) -> None:
        """Write everything, and the record with the metrics of the best epoch."""
        self.write()
        record, best, rows = self.record, self.trainer.best, self.metrics.rows
        record.epochs, record.layers = self.tally.epochs, layers(self.task)
        record.diagnosis = training_curves.diagnose(
            rows, record.guess or 0.0, self._initial, self.cfg.data.get("batch_size") or 0
        )
        record.checkpoint, record.best_epoch = best.file, best.epoch
        record.validation = of_split(best.numbers, "val")
        record.metric.value = record.validation.get(self.cfg.metric.name)
        record.loss = record.validation.get("loss")
        record.status = "pruned" if self.pruned else record.status
        if self.evaluate_later:
            record.status, record.sessions = (
                "interrupted",
                0,
            )  # training and evaluation are one session
        self.end()

    def end(self, error: BaseException | None = None) -> BaseException | None:
        """Write the record and release the folder; return the cause of an error."""
        self.ended = True
        try:
            kind = None if error is None else type(error)
            self._open.__exit__(kind, error, None if error is None else error.__traceback__)
        except BaseException as cause:
            return cause
        return error


class MemberTrainer:
    """A stack's Trainer as one of its runs sees it, for callbacks and checkpoints.

    Checkpoints are written later, several epochs at once: an epoch of a small model takes less time
    than writing a file.

    Args:
        trainer: of the stack.
        member: of the stack, the run's.
        data: of the run.
        callbacks: of the run.

    """

    def __init__(
        self, trainer: L.Trainer, member: Member, data: DataModule, callbacks: Sequence[L.Callback]
    ) -> None:
        self._trainer, self._member = trainer, member
        self.lightning_module, self.datamodule, self.callbacks = member.task, data, [*callbacks]
        self.callback_metrics: dict[str, torch.Tensor] = {}
        self.should_stop = False
        self.strategy = MemberStrategy(trainer, member)
        self._io = WholeCheckpointIO()
        self._unwritten: dict[Path, dict[str, Any] | None] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trainer, name)

    @property
    def optimizers(self) -> list[Any]:
        """The run's optimizer."""
        return [self._member.optimizer]

    @property
    def lr_scheduler_configs(self) -> list[LRSchedulerConfig]:
        """The run's schedules."""
        return [LRSchedulerConfig(each["scheduler"]) for each in self._member.schedules]

    def save_checkpoint(self, filepath: str, weights_only: bool | None = None) -> None:
        """Record that this epoch is to be saved."""
        path = Path(filepath)
        self._unwritten[path] = None
        if path.stem != "last" or not hasattr(self, "best"):
            numbers = {name: float(value) for name, value in self.callback_metrics.items()}
            file = f"{checkpoints.FOLDER}/{path.name}"
            self.best = BestEpoch(self._trainer.current_epoch + 1, numbers, file)

    def snapshot(self) -> None:
        """Copy the best state before training continues; the last one is written before that."""
        for path, kept in self._unwritten.items():
            if kept is None and path.stem != "last":
                self._unwritten[path] = _clone(checkpoint_of(self))

    def write(self) -> None:
        """Write unwritten checkpoints; an epoch with two files is serialized once."""
        now: dict[int, Path] = {}
        for path, kept in self._unwritten.items():
            content = checkpoint_of(self) if kept is None else kept
            step = content["global_step"]
            if step in now:
                files.copy(now[step], path)
            else:
                self._io.save_checkpoint(content, path)
            now[step] = path
        self._unwritten.clear()


class MemberStrategy:
    """A stack's strategy as one of its runs sees it."""

    def __init__(self, trainer: L.Trainer, member: Member) -> None:
        self._strategy, self._member = trainer.strategy, member

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strategy, name)

    def lightning_module_state_dict(self) -> dict[str, Any]:
        """Return the state of the run's module."""
        return self._member.task.state_dict()


def _clone(value: Any) -> Any:
    """Return a copy of a state, in a third of the time of a generic tree copy."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        found = copy(value)  # it may be an OrderedDict
        found.update((key, _clone(each)) for key, each in value.items())
        return found
    return [*map(_clone, value)] if isinstance(value, list) else value
