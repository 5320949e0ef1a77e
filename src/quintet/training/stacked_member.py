"""A run of a stack, with the same folder, callbacks, checkpoints and record as a single run."""

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

OWN = ("early_stopping", "metrics_file", "checkpoint", "steering")
"""Default callbacks of each individual run, in the order in which Lightning calls them."""


@dataclass(frozen=True)
class Best:
    """The best epoch so far, counted from 1, with its metrics and its checkpoint."""

    epoch: int
    numbers: dict[str, float]
    file: str


class StackedRun:
    """A run that trains in a stack.

    Args:
        composed: config of the run, with the facts of its data and its length.
        data: loaded data.
        share: fraction of the process's CPU time that belongs to this run.

    """

    def __init__(self, composed: Composed, data: DataModule, share: float) -> None:
        cfg = self.cfg = composed.cfg
        self.data, self.folder = data, Path(cfg.paths.run)
        self.ended = self.pruned = False
        self._open = ExitStack()
        self._open.enter_context(run_folder.held(cfg, self.folder))
        composed.write_down()  # not earlier: `held` checks the origin of existing files
        self.record = self._open.enter_context(recording(cfg, self.folder, share))

    def build(self) -> None:
        """Build the module of the run, as `experiment.run` does."""
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
        nodes = {name: cfg.callbacks.get(name) for name in OWN}
        own = {n: instantiate(node, f"callbacks.{n}") for n, node in nodes.items() if node}
        self.metrics: MetricsFile = own["metrics_file"]
        self.tally = EpochCounter()
        callbacks = [self.tally, Replan(cfg.facts.total_steps), *own.values()]
        self.trainer: Any = MemberTrainer(trainer, self.member, self.data, callbacks)
        for callback in own.values():
            callback.setup(self.trainer, self.task, "fit")
        self.record.sessions += 1
        losses = losses_before(self.task, self.data, cfg.loss.num_outputs)
        self.record.guess, self._initial = losses

    def epoch_begins(self) -> None:
        """Record the learning rates at the start of the epoch."""
        self.metrics.on_train_epoch_start(self.trainer, self.task)

    def epoch_ends(self) -> float | None:
        """Run the end-of-epoch steps of the callbacks; return the metric.

        Raises:
            DivergedError: the loss or a weight is no longer finite.

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
        """Return the objectives after this epoch, except seconds, which are those of the stack."""
        logged = of_split(self.trainer.callback_metrics, "val")
        return measured(compared_by(self.cfg), logged, self.record.parameters, None)

    def write(self) -> None:
        """Write the files of the epochs so far."""
        self.metrics.write()
        self.trainer.write()

    def finish(self) -> None:
        """Write all files, and the metrics of the best epoch to the record."""
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
    """View of a stack's Trainer for one of its runs, for callbacks and checkpoints.

    Checkpoints are written later, together: an epoch of a small model takes less time than writing
    a file.

    Args:
        trainer: Trainer of the stack.
        member: part of the stack that belongs to the run.
        data: data of the run.
        callbacks: callbacks of the run.

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
        self._due: dict[Path, dict[str, Any] | None] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trainer, name)

    @property
    def optimizers(self) -> list[Any]:
        """The optimizer of the run."""
        return [self._member.optimizer]

    @property
    def lr_scheduler_configs(self) -> list[LRSchedulerConfig]:
        """The schedules of the run."""
        return [LRSchedulerConfig(each["scheduler"]) for each in self._member.schedules]

    def save_checkpoint(self, filepath: str, weights_only: bool | None = None) -> None:
        """Record that a checkpoint of this epoch is to be saved."""
        path = Path(filepath)
        self._due[path] = None
        if path.stem != "last" or not hasattr(self, "best"):
            numbers = {name: float(value) for name, value in self.callback_metrics.items()}
            file = f"{checkpoints.FOLDER}/{path.name}"
            self.best = Best(self._trainer.current_epoch + 1, numbers, file)

    def keep(self) -> None:
        """Copy the best state before training continues; the last state is written directly."""
        for path, kept in self._due.items():
            if kept is None and path.stem != "last":
                self._due[path] = _copied(checkpoint_of(self))

    def write(self) -> None:
        """Write pending checkpoints; files of the same epoch have the same content."""
        now: dict[int, Path] = {}
        for path, kept in self._due.items():
            content = checkpoint_of(self) if kept is None else kept
            step = content["global_step"]
            if step in now:
                files.copy(now[step], path)
            else:
                self._io.save_checkpoint(content, path)
            now[step] = path
        self._due.clear()


class MemberStrategy:
    """View of a stack's strategy for one of its runs."""

    def __init__(self, trainer: L.Trainer, member: Member) -> None:
        self._strategy, self._member = trainer.strategy, member

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strategy, name)

    def lightning_module_state_dict(self) -> dict[str, Any]:
        """Return the state of the module of the run."""
        return self._member.task.state_dict()


def _copied(value: Any) -> Any:
    """Return a deep copy of a state, in a third of the time of a generic tree copy."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        found = copy(value)  # keeps the type, such as OrderedDict
        found.update((key, _copied(each)) for key, each in value.items())
        return found
    return [*map(_copied, value)] if isinstance(value, list) else value
