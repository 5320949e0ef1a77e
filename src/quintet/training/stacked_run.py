"""Several runs in one process that train as one batched model, and leave what each would alone."""

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

OWN_ORDER = "order_seed"
"""The key of `data` in which runs on the same samples may differ."""
PAUSE, SHARE = 1.0, 0.2
"""Seconds of training after which files are written, and the share of time for that at most."""


class Line(Protocol):
    """Connects a run to what asked for it, as `quintet.study.trial_pipe.TrialPipe` does."""

    def ask(self, epoch: int, value: float | None, objectives: Mapping[str, float]) -> None:
        """Report the metric, to `hear` the answer later."""

    def hear(self) -> bool:
        """Return whether to stop."""

    def leave(self, code: int) -> None:
        """Report that the run has ended."""

    def alone(self, reason: str) -> None:
        """Report that it must run by itself."""


@dataclass
class Seat:
    """A run of a stack, and the line to what asked for it."""

    run: StackedRun
    line: Line

    def leave(self, error: BaseException | None = None) -> None:
        """End the run because of an error, and tell the sweep."""
        cause = self.run.end(error) if not self.run.ended else error
        self.line.leave(0 if cause is None else 1)

    @contextmanager
    def may_diverge(self) -> Iterator[None]:
        """Let the run end by itself where it has diverged."""
        try:
            yield
        except DivergedError as error:
            self.leave(error)


def train(
    configs: Sequence[Composed],
    lines: Sequence[Line],
    *,
    to_go_on: bool = False,
    largest: int | None = None,
) -> None:
    """Train runs that differ in numbers; what cannot be stacked is sent back to run alone.

    Args:
        configs: of the runs, composed.
        lines: of each to what asked for it.
        to_go_on: whether each is then continued by itself, to be evaluated.
        largest: number of parameters of a model that is stacked; None for any.

    """
    ready: dict[Any, list[Seat]] = {}
    settled = Settled()
    for composed, line in zip(configs, lines, strict=True):
        try:
            data = settled.settle(composed.cfg)
            run = StackedRun(composed, data, share=1 / len(configs), goes_on=to_go_on)
        except Exception as error:
            line.alone(reason_of(error))
            continue
        seat = Seat(run, line)
        with sent_back([seat]):
            run.build()
            if largest is not None and (run.record.parameters or 0) > largest:
                raise UserError("its model is large", code=Code.INCOMPATIBLE)
            ready.setdefault((structure(run.task), lengths(run)), []).append(seat)
    for seats in ready.values():
        with sent_back(seats):
            train_group(seats)


@contextmanager
def sent_back(seats: Sequence[Seat]) -> Iterator[None]:
    """Let the runs of a stack that fails be repeated alone, where an error is their own.

    Raises:
        UserError: the disk is full or fails.
        KeyboardInterrupt: the process was asked to stop.

    """
    try:
        yield
    except BaseException as error:
        left = [seat for seat in seats if not seat.run.ended]
        for seat in left:
            seat.run.end(error)
        if not isinstance(error, Exception) or _is_of_the_disk(error):
            raise
        for seat in left:
            (seat.run.folder / RESULT).unlink(missing_ok=True)  # that is not how the trial ends
            seat.line.alone(reason_of(error))


def _is_of_the_disk(error: BaseException) -> bool:
    return isinstance(error, UserError) and error.code == Code.DISK


class Settled:
    """Settles what runs need before their first step, with data and checks once for all alike."""

    def __init__(self) -> None:
        self._setups: dict[str, Setup] = {}
        self._orders: dict[tuple[str, int], DataModule] = {}
        self._checked: set[str] = set()

    def settle(self, cfg: DictConfig) -> DataModule:
        """Return the data of a run, and write their facts and its length into its config.

        Raises:
            UserError: as `setup`, or the data are no samples in memory.

        """
        plain: Any = OmegaConf.to_container(cfg.data, resolve=True)
        order = plain.pop(OWN_ORDER, None)
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
        return self._in_order(key, order)

    def _in_order(self, key: str, order: int) -> DataModule:
        """Return the data with an order of batches of its own; the samples are in memory once."""
        if (key, order) not in self._orders:
            data: Any = copy.copy(self._setups[key].data)
            data.order_seed = order
            self._orders[key, order] = data
        return self._orders[key, order]


def _check_data(data: Any) -> None:
    if not isinstance(data, DataModule) or data.rows is not None:
        raise UserError("its data is not in memory", code=Code.INCOMPATIBLE)


def structure(task: SupervisedModule) -> Any:
    """Return what models must have in common to be stacked, or to be trained alike."""
    layers = tuple((name, type(layer)) for name, layer in task.model.named_modules())
    tensors = (*task.model.named_parameters(), *task.model.named_buffers())
    shapes = tuple((name, t.shape, t.dtype, t.requires_grad) for name, t in tensors)
    return layers, shapes, type(task.loss)


def lengths(run: StackedRun) -> Any:
    """Return what the data of runs must have in common to be trained together.

    That is the shape of a sample, and the number of an epoch's batches; their sizes may differ.
    """
    x, _ = run.data.splits["train"]
    return x.shape[1:], run.cfg.facts.steps_per_epoch, run.data.validation_steps(world_size=1)


def samples_of(run: StackedRun) -> int:
    """Return the number of a run's training samples."""
    return len(run.data.splits["train"][1])


def train_group(seats: Sequence[Seat]) -> None:
    """Train runs of one structure."""
    seats = sorted(seats, key=lambda seat: samples_of(seat.run))  # so those alike are neighbours
    parts = list({id(seat.run.data): seat.run.data for seat in seats}.values())
    _check_augmented(parts)
    members = [seat.run.member for seat in seats]
    for seat in seats:
        seat.run.member.loader = parts.index(seat.run.data)
        seat.run.member.samples = samples_of(seat.run)
    losses = {repr(OmegaConf.to_container(s.run.cfg.loss, resolve=True)) for s in seats}
    stack = StackedModule(members, one_loss=len(losses) == 1 and _one_scale(parts))
    cfg = seats[0].run.cfg
    trainer = build.trainer(cfg, watched=False)
    x, y = parts[0].splits["train"]
    stack.try_out(x[:8], y[:8])
    for seat in seats:
        seat.run.begin(trainer)
    shown = [cfg.callbacks.progress] if seats[0].run.goes_on else []  # a sweep has its own view
    progress = [instantiate(node, "callbacks.progress") for node in shown]
    trainer.callbacks += [*progress, Company(seats)]  # type: ignore[attr-defined]
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


class Company(L.Callback):
    """Lets each run of a stack note its epochs, tell the sweep, and leave when its time has come.

    What is shown meanwhile is the mean of the metric.

    Args:
        seats: of the stack's members, in their order.

    """

    def __init__(self, seats: Sequence[Seat]) -> None:
        self.seats = list(seats)
        self._due = time.monotonic() + PAUSE

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note the rates."""
        for seat in self.seats:
            seat.run.epoch_begins()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: StackedModule) -> None:  # type: ignore[override]
        """Note the epoch, ask the sweep who goes on, and drop the others."""
        epochs, last = trainer.current_epoch + 1, trainer.max_epochs or 0
        asked, values = [], []
        for seat in self.seats:
            with seat.may_diverge():
                if (value := seat.run.epoch_ends()) is not None:
                    seat.line.ask(epochs, value, seat.run.objectives())
                    asked.append(seat)
                    values.append(value)
        if values:
            pl_module.log(f"val/{self.seats[0].run.cfg.metric.name}", fmean(values))
        for seat in asked:
            seat.run.pruned = seat.line.hear() and epochs < last
        for seat in self._going():
            if seat.run.pruned or seat.run.trainer.should_stop or epochs == last:
                with seat.may_diverge():
                    seat.run.finish()
                    seat.leave()
        self._write()
        for seat in self._going():
            with seat.may_diverge():
                seat.run.trainer.keep()
        self._close_ranks(trainer, pl_module)

    def _going(self) -> list[Seat]:
        return [seat for seat in self.seats if not seat.run.ended]

    def _write(self) -> None:
        """Write the files of those that go on, from time to time."""
        if (began := time.monotonic()) < self._due:
            return
        for seat in self._going():
            with seat.may_diverge():
                seat.run.write()
        now = time.monotonic()
        self._due = now + max(PAUSE, (now - began) * (1 / SHARE - 1))

    def _close_ranks(self, trainer: L.Trainer, stack: StackedModule) -> None:
        places = [place for place, seat in enumerate(self.seats) if not seat.run.ended]
        if len(places) == len(self.seats):
            return
        self.seats = [self.seats[place] for place in places]
        if places:
            stack.keep(places)
        else:
            trainer.should_stop = True
