"""Several runs in one process that train as a batched model, with the outputs of single runs."""

import copy
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as L
import torch
from omegaconf import DictConfig, OmegaConf

from quintet.artifacts.record import RESULT
from quintet.base.errors import Code, DivergedError, UserError
from quintet.config.initial_config import Composed
from quintet.data.module import DataModule
from quintet.modules.stacked import StackedModule
from quintet.modules.stacked_data import StackedData
from quintet.modules.supervised import SupervisedModule
from quintet.study.trial_pipe import TrialPipe
from quintet.training import build
from quintet.training.outcome import reason_of
from quintet.training.setup import Setup, setup, validate
from quintet.training.stacked_member import StackedRun

OWN_ORDER = "order_seed"
"""Key of `data` that may differ between runs on the same samples."""
PAUSE, SHARE = 1.0, 0.2
"""Seconds of training between writes of files, and the maximum fraction of time for writing."""


@dataclass
class Seat:
    """A run of a stack, with the connection to the sweep that requested it."""

    run: StackedRun
    line: TrialPipe

    def leave(self, error: BaseException | None = None) -> None:
        """End the run, possibly because of an error, and notify the sweep."""
        cause = self.run.end(error) if not self.run.ended else error
        self.line.leave(0 if cause is None else 1)

    @contextmanager
    def may_diverge(self) -> Iterator[None]:
        """Within the block, end only this run if it diverges."""
        try:
            yield
        except DivergedError as error:
            self.leave(error)


def train(configs: Sequence[Composed], lines: Sequence[TrialPipe]) -> None:
    """Train runs that only differ in numbers; send back those that cannot be stacked.

    Args:
        configs: composed configs of the runs.
        lines: connection of each run to the sweep.

    """
    ready: dict[Any, list[Seat]] = {}
    settled = Settled()
    for composed, line in zip(configs, lines, strict=True):
        try:
            data = settled.settle(composed.cfg)
            run = StackedRun(composed, data, share=1 / len(configs))
        except Exception as error:
            line.alone(reason_of(error))
            continue
        seat = Seat(run, line)
        with sent_back([seat]):
            run.build()
            ready.setdefault(structure(run.task), []).append(seat)
    for seats in ready.values():
        with sent_back(seats):
            train_group(seats)


@contextmanager
def sent_back(seats: Sequence[Seat]) -> Iterator[None]:
    """Send the runs of a stack that fails back to the sweep, to be repeated individually.

    Raises:
        UserError: the disk is full or failing.
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
            (seat.run.folder / RESULT).unlink(missing_ok=True)  # not the final result of the trial
            seat.line.alone(reason_of(error))


def _is_of_the_disk(error: BaseException) -> bool:
    return isinstance(error, UserError) and error.code == Code.DISK


class Settled:
    """Setup of the runs of a stack; data and checks are shared by runs with equal configs."""

    def __init__(self) -> None:
        self._setups: dict[str, Setup] = {}
        self._orders: dict[tuple[str, int], DataModule] = {}
        self._checked: set[str] = set()

    def settle(self, cfg: DictConfig) -> DataModule:
        """Return the data of a run; write their facts and the run's length to its config.

        Raises:
            UserError: as in `setup`, or the data are not in memory.

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
        OmegaConf.set_readonly(cfg, True)
        return self._in_order(key, order)

    def _in_order(self, key: str, order: int) -> DataModule:
        """Return the data with its own order of batches; the samples are shared in memory."""
        if (key, order) not in self._orders:
            data: Any = copy.copy(self._setups[key].data)
            data.order_seed = order
            self._orders[key, order] = data
        return self._orders[key, order]


def _check_data(data: Any) -> None:
    if not isinstance(data, DataModule) or data.rows is not None:
        raise UserError("its data is not in memory", code=Code.INCOMPATIBLE)


def structure(task: SupervisedModule) -> Any:
    """Return a key that is equal for modules that can be stacked."""
    layers = tuple((name, type(layer)) for name, layer in task.model.named_modules())
    tensors = (*task.model.named_parameters(), *task.model.named_buffers())
    shapes = tuple((name, t.shape, t.dtype, t.requires_grad) for name, t in tensors)
    return layers, shapes, type(task.loss)


def train_group(seats: Sequence[Seat]) -> None:
    """Train runs of the same structure."""
    parts = list({id(seat.run.data): seat.run.data for seat in seats}.values())
    _check_sizes(parts)
    members = [seat.run.member for seat in seats]
    for seat in seats:
        seat.run.member.loader = parts.index(seat.run.data)
    losses = {repr(OmegaConf.to_container(s.run.cfg.loss, resolve=True)) for s in seats}
    stack = StackedModule(members, one_loss=len(losses) == 1 and _one_scale(parts))
    cfg = seats[0].run.cfg
    trainer = build.trainer(cfg, watched=False)
    x, y = parts[0].splits["train"]
    stack.try_out(x[:8], y[:8])
    for seat in seats:
        seat.run.begin(trainer)
    trainer.callbacks.append(Company(seats))  # type: ignore[attr-defined]
    data = parts[0] if len(parts) == 1 else StackedData(parts)
    trainer.fit(stack, datamodule=data)


def _check_sizes(parts: Sequence[DataModule]) -> None:
    sizes = {tuple(part.splits[name][0].shape for name in ("train", "val")) for part in parts}
    mixes = len(parts) > 1 and parts[0].augmentation is not None
    if len(sizes) > 1 or mixes:
        raise UserError("its data has another size, or is augmented", code=Code.INCOMPATIBLE)


def _one_scale(parts: Sequence[DataModule]) -> bool:
    first = parts[0].preprocess.target_centre, parts[0].preprocess.target_width
    return all(
        torch.equal(first[0], p.preprocess.target_centre)
        and torch.equal(first[1], p.preprocess.target_width)
        and p.target_transform == parts[0].target_transform
        for p in parts
    )


class Company(L.Callback):
    """Record epochs of each run of a stack, report them to the sweep, and remove runs that end.

    Args:
        seats: members of the stack, in order.

    """

    def __init__(self, seats: Sequence[Seat]) -> None:
        self.seats = list(seats)
        self._due = time.monotonic() + PAUSE

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the learning rates."""
        for seat in self.seats:
            seat.run.epoch_begins()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: StackedModule) -> None:  # type: ignore[override]
        """Record the epoch, ask the sweep which runs continue, and drop the others."""
        epochs, last = trainer.current_epoch + 1, trainer.max_epochs or 0
        asked = []
        for seat in self.seats:
            with seat.may_diverge():
                if (value := seat.run.epoch_ends()) is not None:
                    seat.line.ask(epochs, value, seat.run.objectives())
                    asked.append(seat)
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
        """Write the files of the remaining runs from time to time."""
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
