"""Checks for any LightningModule and any batch, independent of the task."""

import math
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import lightning.pytorch as L
import torch
from lightning.pytorch.utilities import CombinedLoader
from torch import Tensor
from torch.optim import Optimizer

from quintet.base.errors import Code, UserError
from quintet.diagnostics.finding import Finding, Verdict, make_finding
from quintet.diagnostics.lr_range_test import STEPS, Curve, rising_rates
from quintet.options.torch_internals import tree_flatten_with_path, tree_map, tree_unflatten

MEMORISED = 100
"""Number of steps on one batch."""
LOOKS = 3
"""Steps before checking the use of inputs, as a layer initialized to zero hides them at first."""


@dataclass
class ModuleSubject:
    """An experiment with a user-defined module, before its first step.

    Args:
        make: function that returns a new module, always with the same initialization.
        trainer: function that returns a Trainer with the given settings.
        optimizers: function that returns the optimizers of a module.
        datamodule: loaded data.
        seed: random seed.
        rate: chosen learning rate; 0 for a module that sets its own.

    """

    make: Callable[[], L.LightningModule]
    trainer: Callable[..., L.Trainer]
    optimizers: Callable[[L.LightningModule], list[Optimizer]]
    datamodule: L.LightningDataModule
    seed: int
    rate: float

    def batches(self, count: int) -> list[Any]:
        """Return the first training batches."""
        torch.manual_seed(self.seed)
        loaders = self.datamodule.train_dataloader()
        if not isinstance(loaders, CombinedLoader):
            loaders = CombinedLoader(loaders, "max_size_cycle")  # as Lightning does
        return [batch for batch, *_ in islice(iter(loaders), count)]

    def train(self, batch: Any, steps: int) -> "TrainingMonitor":
        """Train a new module on a single batch."""
        watch = TrainingMonitor()
        self.train_with(watch, [batch], steps)
        return watch

    def train_with(self, callback: L.Callback, batches: list[Any], epochs: int) -> None:
        """Train a new module on some batches with a callback.

        All hooks of the datamodule are called.
        """
        trainer = self.trainer(
            max_epochs=epochs,
            max_steps=-1,
            limit_train_batches=1.0,
            limit_val_batches=0,
            num_sanity_val_steps=0,
            enable_progress_bar=False,
            accumulate_grad_batches=1,
        )
        trainer.callbacks.append(callback)  # type: ignore[attr-defined]
        module = self.make()
        torch.manual_seed(self.seed)
        with warnings.catch_warnings(action="ignore"), self._using_batches(batches):
            trainer.fit(module, datamodule=self.datamodule)

    @contextmanager
    def _using_batches(self, batches: list[Any]) -> Iterator[None]:
        """Within the block, make `train_dataloader` return these batches."""
        made = self.datamodule.train_dataloader
        given = lambda: KeptBatches(batches)  # noqa: E731
        self.datamodule.train_dataloader = given  # type: ignore[method-assign]
        try:
            yield
        finally:
            self.datamodule.train_dataloader = made  # type: ignore[method-assign]


class KeptBatches:
    """A loader with the same batches in every epoch."""

    def __init__(self, batches: list[Any]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        return (tree_map(_copied, batch) for batch in self.batches)


@dataclass(eq=False)
class TrainingMonitor(L.Callback):
    """Callback that records the losses and which parameters change."""

    losses: list[float] = field(default_factory=list)
    unoptimized: list[str] = field(default_factory=list)
    """Trainable parameters in no optimizer ..."""
    fixed: list[str] = field(default_factory=list)
    """... and those of them that are unchanged after all steps."""
    still: list[str] = field(default_factory=list)
    """Parameters that the first step did not change."""
    _before: dict[str, Tensor] = field(default_factory=dict)
    _loss: Any = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the parameters in no optimizer; make the learning rate constant.

        A schedule stepped by Lightning may depend on validation, which does not run here.
        """
        if pl_module.automatic_optimization:
            without_schedules(trainer)
        groups = [group for each in trainer.optimizers for group in each.param_groups]
        held = {id(p) for group in groups for p in group["params"]}
        trainable = {n: p for n, p in pl_module.named_parameters() if p.requires_grad}
        self.unoptimized = [name for name, p in trainable.items() if id(p) not in held]
        self._before = {n: p.detach().clone() for n, p in trainable.items()}

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Record the parameters that the first step changed, and the loss that a step returns."""
        if not trainer.current_epoch:
            now = dict(pl_module.named_parameters())
            unchanged = [n for n, was in self._before.items() if torch.equal(was, now[n])]
            self.still = [n for n in unchanged if n not in self.unoptimized]
        self._loss = outputs.get("loss") if isinstance(outputs, dict) else outputs

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the parameters that no step changed."""
        now = dict(pl_module.named_parameters())
        self.fixed = [n for n in self.unoptimized if torch.equal(self._before[n], now[n])]

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the loss of the epoch's only batch: the returned one, else the logged one."""
        loss = self._loss
        if loss is None:
            logged = trainer.callback_metrics
            loss = next((v for k, v in logged.items() if "loss" in k and "step" not in k), None)
        if loss is not None:
            self.losses.append(float(loss))


def without_schedules(trainer: L.Trainer) -> None:
    """Reset learning rates to those at construction, as a warm-up begins at zero."""
    trainer.strategy.lr_scheduler_configs = []
    for group in (group for each in trainer.optimizers for group in each.param_groups):
        group["lr"] = group.get("initial_lr", group["lr"])


def findings(subject: ModuleSubject) -> Iterator[Finding]:
    """Yield the finding of every check; a check that raises an error fails."""
    try:
        batch = subject.batches(1)[0]
        watch = subject.train(batch, MEMORISED)
    except Exception as error:
        seen = f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"
        yield Finding("a step", "fail", seen, "Fix the error; debug=true shows where it is raised.")
        return
    yield optimized(watch)
    yield gradients(watch)
    yield one_batch(watch)
    yield inputs(subject, batch)


def optimized(watch: TrainingMonitor) -> Finding:
    """Find trainable parameters that are in no optimizer and not changed by the module itself.

    An average of the weights or a target network is updated by assignment.
    """
    missing, others = watch.fixed, len(watch.unoptimized) - len(watch.fixed)
    seen = "have every trainable parameter"
    if others:
        seen = f"have every trainable parameter but {others} that the module changes itself"
    return make_finding(
        "optimizers",
        "fail" if missing else "pass",
        f"no optimizer has {_few(missing)}" if missing else seen,
        "Give them to an optimizer in configure_optimizers, or set requires_grad to False.",
    )


def gradients(watch: TrainingMonitor) -> Finding:
    """Find parameters that a step does not change."""
    still = watch.still
    return make_finding(
        "gradient flow",
        "warn" if still else "pass",
        f"the first step does not change {_few(still)}" if still else "reaches every parameter",
        "No gradient arrives there: is the path to the loss cut (detach, argmax), or is the layer "
        "not used?",
    )


def one_batch(watch: TrainingMonitor) -> Finding:
    """Check whether a single batch can be fitted."""
    name, losses = "one batch", watch.losses
    if not losses:
        return Finding(
            name,
            "warn",
            "no loss is known: training_step returns none, and none is logged",
            "Return it, or log it as train/loss.",
        )
    if not all(map(math.isfinite, losses)):
        return Finding(name, "fail", "the loss is not finite", "Lower the learning rate.")
    first, last = losses[0], min(losses)
    verdict: Verdict = "pass" if last < first - 0.1 * abs(first) else "warn"
    return make_finding(
        name,
        verdict,
        f"loss {first:.3f} to {last:.4f} on one batch in {len(losses)} steps",
        "The loss does not fall on a single batch: look for a wrong sign, a rate that is too low "
        "or too high, or a loss that balances others, as a GAN's.",
    )


def inputs(subject: ModuleSubject, batch: Any) -> Finding:
    """Find tensors of a batch that the loss does not depend on.

    Each is shifted by one element, all else equal: permuting samples would not change a mean.
    """
    name = "uses its inputs"
    before = subject.train(batch, LOOKS).losses
    if not before:
        return Finding(name, "warn", "no loss is known, so it was not tried", "Log train/loss.")
    leaves, spec = tree_flatten_with_path(batch)
    unused = []
    for i, (path, leaf) in enumerate(leaves):
        if not isinstance(leaf, Tensor) or (moved := _moved(leaf)) is None:
            continue
        others = [moved if i == j else each for j, (_, each) in enumerate(leaves)]
        try:
            after = subject.train(tree_unflatten(others, spec), LOOKS).losses
        except Exception:  # lengths or offsets that no longer match the rest: so they are used
            continue
        if after == before:
            unused.append("batch" + "".join(map(str, path)))
    return make_finding(
        name,
        "warn" if unused else "pass",
        f"the loss does not depend on {_few(unused)}" if unused else "the loss depends on them all",
        "Is it needed? A loss that does not see its input learns nothing from it.",
    )


def _moved(leaf: Tensor) -> Tensor | None:
    """Return a tensor with its elements shifted by one; None if that changes nothing."""
    if leaf.layout is torch.sparse_coo:
        *others, last = leaf.coalesce().indices()
        places = torch.stack([*others, last.roll(1)])
        values = leaf.coalesce().values()
        moved = torch.sparse_coo_tensor(
            places, values, leaf.shape, check_invariants=False
        ).coalesce()
        return None if torch.equal(moved.indices(), leaf.coalesce().indices()) else moved
    if leaf.layout is not torch.strided or leaf.is_nested or leaf.dim() == 0 or len(leaf) < 2:
        return None
    moved = leaf.flatten().roll(1).view_as(leaf)
    return None if torch.equal(moved, leaf) else moved


@dataclass(eq=False)
class RisingRate(L.Callback):
    """Callback that raises the learning rate at every step; see `range_test`."""

    curve: Curve | None = None
    rate: float = 0.0
    """Learning rate of the module's own optimizer."""
    _rising: Generator[None, float, Curve] | None = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Replace the module's schedule.

        Raises:
            UserError: there are several optimizers.

        """
        if len(trainer.optimizers) != 1:
            raise UserError("It needs a single optimizer", code=Code.INCOMPATIBLE)
        without_schedules(trainer)
        self.rate = float(trainer.optimizers[0].param_groups[0]["lr"])
        self._rising = rising_rates(trainer.optimizers[0])
        next(self._rising)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Set the next rate, or stop; a skipped step has no loss."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if loss is None or self._rising is None or self.curve is not None:
            return
        try:
            self._rising.send(float(loss))
        except StopIteration as end:
            self.curve, trainer.should_stop = end.value, True


def curve(subject: ModuleSubject) -> Curve:
    """Return the curve of the learning-rate range test.

    Raises:
        UserError: the module uses manual optimization or several optimizers, or a step fails.

    """
    if not subject.make().automatic_optimization:
        raise UserError("It needs a module whose optimizer Lightning steps", code=Code.INCOMPATIBLE)
    rising, batches = RisingRate(), subject.batches(STEPS)
    try:
        subject.train_with(rising, batches, epochs=2 * math.ceil(STEPS / len(batches)))
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"It failed: {error}", code=Code.FAILED) from error
    if rising.curve is None:
        raise UserError("It failed: too few steps have a loss", code=Code.FAILED)
    subject.rate = subject.rate or rising.rate
    return rising.curve


def _copied(leaf: Any) -> Any:
    return leaf.clone() if isinstance(leaf, Tensor) else leaf


def _few(names: list[str]) -> str:
    return f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
