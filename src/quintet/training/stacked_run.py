"""Several runs in one process, trained as one batched model, with the outputs of separate runs."""

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Protocol

import lightning.pytorch as L
import torch
from omegaconf import DictConfig, OmegaConf

from quintet.artifacts.record import RESULT
from quintet.base.errors import Code, DivergedError, UserError
from quintet.config.initial_config import Composed
from quintet.config.instantiate import instantiate
from quintet.config.task_defaults import choose_defaults
from quintet.data.module import DataModule
from quintet.modules.stacked import StackedModule
from quintet.modules.stacked_data import StackedData
from quintet.modules.supervised import SupervisedModule
from quintet.study.trial_pipe import is_trial
from quintet.training import build
from quintet.training.outcome import reason_of
from quintet.training.setup import Setup, setup, validate
from quintet.training.stacked_member import StackedRun

ORDER_KEY = "order_seed"
"""The only key of `data` in which runs on the same samples may differ."""
PAUSE, WRITE_SHARE = 1.0, 0.2
"""Seconds of training between writes of files, and the maximum share of time that writing takes."""


class TrialConnection(Protocol):
    """Connects a run to the sweep that started it, like `quintet.study.trial_pipe.TrialPipe`."""

    def send_metric(self, epoch: int, value: float | None, objectives: Mapping[str, float]) -> None:
        """Report the metric, to receive the decision later."""

    def receive_decision(self) -> bool:
        """Return whether to stop."""

    def send_exit(self, code: int) -> None:
        """Report that the run has ended."""

    def send_rerun(self, reason: str) -> None:
        """Report that the run must be repeated alone."""


@dataclass
class StackedEntry:
    """A run of a stack and its connection to the sweep."""

    run: StackedRun
    connection: TrialConnection

    def end(self, error: BaseException | None = None) -> None:
        """End the run, on an error if there was one, and report it to the sweep."""
        cause = self.run.end(error) if not self.run.ended else error
        self.connection.send_exit(0 if cause is None else 1)

    @contextmanager
    def end_if_diverged(self) -> Iterator[None]:
        """End only this run if it diverges."""
        try:
            yield
        except DivergedError as error:
            self.end(error)


def train(
    configs: Sequence[Composed],
    connections: Sequence[TrialConnection],
    *,
    evaluate_later: bool = False,
    max_parameters: int | None = None,
) -> None:
    """Train runs that differ in numbers; those that cannot be stacked are sent back to run alone.

    Args:
        configs: of the runs, composed.
        connections: of each run.
        evaluate_later: whether each run is continued by itself afterwards, for its evaluation.
        max_parameters: maximum number of parameters of a stacked model; None for no limit.

    """
    ready: dict[Any, list[StackedEntry]] = {}
    setups = SetupCache()
    for composed, connection in zip(configs, connections, strict=True):
        try:
            data = setups.data_for(composed.cfg)
            run = StackedRun(composed, data, share=1 / len(configs), evaluate_later=evaluate_later)
        except Exception as error:
            connection.send_rerun(reason_of(error))
            continue
        entry = StackedEntry(run, connection)
        with rerun_on_error([entry]):
            run.build()
            if max_parameters is not None and (run.record.parameters or 0) > max_parameters:
                raise UserError("its model is large", code=Code.INCOMPATIBLE)
            ready.setdefault((structure(run.task), lengths(run)), []).append(entry)
    for entries in ready.values():
        with rerun_on_error(entries):
            train_group(entries)


@contextmanager
def rerun_on_error(entries: Sequence[StackedEntry]) -> Iterator[None]:
    """If a stack fails, send its runs back to be repeated alone, unless the error is not theirs.

    Raises:
        UserError: the disk is full or fails.
        KeyboardInterrupt: the process was asked to stop.

    """
    try:
        yield
    except BaseException as error:
        left = [entry for entry in entries if not entry.run.ended]
        for entry in left:
            entry.run.end(error)
        if not isinstance(error, Exception) or _is_disk_error(error):
            raise
        for entry in left:
            (entry.run.folder / RESULT).unlink(missing_ok=True)  # the trial has not ended yet
            entry.connection.send_rerun(reason_of(error))


def _is_disk_error(error: BaseException) -> bool:
    return isinstance(error, UserError) and error.code == Code.DISK


class SetupCache:
    """Sets runs up before their first step; runs with equal settings share data and checks."""

    def __init__(self) -> None:
        self._setups: dict[str, Setup] = {}
        self._orders: dict[tuple[str, int], DataModule] = {}
        self._checked: set[str] = set()

    def data_for(self, cfg: DictConfig) -> DataModule:
        """Return a run's data, and write their facts and its length into its config.

        Raises:
            UserError: as `setup`, or the data are not in memory.

        """
        plain: Any = OmegaConf.to_container(cfg.data, resolve=True)
        order = plain.pop(ORDER_KEY, None)
        key, choices = repr(plain), repr(cfg.choices)
        if key not in self._setups:
            self._setups[key] = setup(cfg)
            self._checked.add(choices)
            _check_data(self._setups[key].data)
        elif choices not in self._checked:
            validate(cfg)
            self._checked.add(choices)
        cfg.facts = self._setups[key].config.facts
        if not is_trial():  # as in `setup`
            choose_defaults(cfg)
        OmegaConf.set_readonly(cfg, True)
        return self._with_order(key, order)

    def _with_order(self, key: str, order: int) -> DataModule:
        """Return the data with their own order of batches; the samples are in memory only once."""
        if (key, order) not in self._orders:
            data: Any = copy.copy(self._setups[key].data)
            data.order_seed = order
            self._orders[key, order] = data
        return self._orders[key, order]


def _check_data(data: Any) -> None:
    if not isinstance(data, DataModule) or data.rows is not None:
        raise UserError("its data is not in memory", code=Code.INCOMPATIBLE)


def structure(task: SupervisedModule) -> Any:
    """Return what models must have in common to be stacked."""
    layers = tuple((name, type(layer)) for name, layer in task.model.named_modules())
    tensors = (*task.model.named_parameters(), *task.model.named_buffers())
    shapes = tuple((name, t.shape, t.dtype, t.requires_grad) for name, t in tensors)
    return layers, shapes, type(task.loss)


def lengths(run: StackedRun) -> Any:
    """Return what the data of runs must have in common to be trained together.

    These are the shape of a sample and the number of batches per epoch; batch sizes may differ.
    """
    x, _ = run.data.splits["train"]
    return x.shape[1:], run.cfg.facts.steps_per_epoch, run.data.validation_steps(world_size=1)


def samples_of(run: StackedRun) -> int:
    """Return the number of a run's training samples."""
    return len(run.data.splits["train"][1])


def train_group(entries: Sequence[StackedEntry]) -> None:
    """Train runs of one structure."""
    # Sorted, so that runs with equal numbers of samples are adjacent.
    entries = sorted(entries, key=lambda entry: samples_of(entry.run))
    parts = list({id(entry.run.data): entry.run.data for entry in entries}.values())
    _check_augmented(parts)
    members = [entry.run.member for entry in entries]
    for entry in entries:
        entry.run.member.loader = parts.index(entry.run.data)
        entry.run.member.samples = samples_of(entry.run)
    losses = {repr(OmegaConf.to_container(s.run.cfg.loss, resolve=True)) for s in entries}
    stack = StackedModule(members, one_loss=len(losses) == 1 and _one_scale(parts))
    cfg = entries[0].run.cfg
    trainer = build.trainer(cfg, watched=False)
    x, y = parts[0].splits["train"]
    stack.dry_run(x[:8], y[:8])
    for entry in entries:
        entry.run.begin(trainer)
    if entries[0].run.evaluate_later:  # a sweep has a progress display of its own
        trainer.callbacks.append(instantiate(cfg.callbacks.progress, "callbacks.progress"))  # type: ignore[attr-defined]
    trainer.callbacks.append(StackCallback(entries))  # type: ignore[attr-defined]
    data = parts[0] if len(parts) == 1 else StackedData(parts)
    trainer.fit(stack, datamodule=data)


def _check_augmented(parts: Sequence[DataModule]) -> None:
    if len(parts) > 1 and parts[0].augmentation is not None:
        raise UserError("its data are augmented", code=Code.INCOMPATIBLE)


def _one_scale(parts: Sequence[DataModule]) -> bool:
    first = parts[0].preprocess.target_centre, parts[0].preprocess.target_width
    return all(
        torch.equal(first[0], p.preprocess.target_centre)
        and torch.equal(first[1], p.preprocess.target_width)
        and p.target_transform == parts[0].target_transform
        for p in parts
    )


class StackCallback(L.Callback):
    """Records the epochs of each run of a stack, reports them to the sweep and drops ended runs.

    The progress display shows the mean of the metric.

    Args:
        entries: of the stack's members, in their order.

    """

    def __init__(self, entries: Sequence[StackedEntry]) -> None:
        self.entries = list(entries)
        self._due = time.monotonic() + PAUSE

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the learning rates."""
        for entry in self.entries:
            entry.run.on_epoch_start()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: StackedModule) -> None:  # type: ignore[override]
        """Record the epoch, ask the sweep which runs continue, and drop the others."""
        epochs, last = trainer.current_epoch + 1, trainer.max_epochs or 0
        reporting, values = [], []
        for entry in self.entries:
            with entry.end_if_diverged():
                if (value := entry.run.on_epoch_end()) is not None:
                    entry.connection.send_metric(epochs, value, entry.run.objectives())
                    reporting.append(entry)
                    values.append(value)
        if values:
            pl_module.log(f"val/{self.entries[0].run.cfg.metric.name}", fmean(values))
        for entry in reporting:
            entry.run.pruned = entry.connection.receive_decision() and epochs < last
        for entry in self._active():
            if entry.run.pruned or entry.run.trainer.should_stop or epochs == last:
                with entry.end_if_diverged():
                    entry.run.finish()
                    entry.end()
        self._write()
        for entry in self._active():
            with entry.end_if_diverged():
                entry.run.trainer.snapshot()
        self._drop_ended(trainer, pl_module)

    def _active(self) -> list[StackedEntry]:
        return [entry for entry in self.entries if not entry.run.ended]

    def _write(self) -> None:
        """Write the files of the active runs, from time to time."""
        if (began := time.monotonic()) < self._due:
            return
        for entry in self._active():
            with entry.end_if_diverged():
                entry.run.write()
        now = time.monotonic()
        self._due = now + max(PAUSE, (now - began) * (1 / WRITE_SHARE - 1))

    def _drop_ended(self, trainer: L.Trainer, stack: StackedModule) -> None:
        kept = [index for index, entry in enumerate(self.entries) if not entry.run.ended]
        if len(kept) == len(self.entries):
            return
        self.entries = [self.entries[index] for index in kept]
        if kept:
            stack.keep(kept)
        else:
            trainer.should_stop = True
