"""Factories for the optimizers and schedules of a LightningModule.

optimizer = self.optimizer(self.parameters())
return {"optimizer": optimizer, "lr_scheduler": self.scheduler(optimizer)}
"""

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass
from types import MethodType
from typing import Any
from weakref import WeakKeyDictionary

import lightning.pytorch as L
from omegaconf import DictConfig, OmegaConf
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from quintet.config.instantiate import explained, instantiate
from quintet.options.muon import Muon, by_kind
from quintet.options.optimizers import SwitchesModes, clips_mixed_precision, grouped
from quintet.options.schedulers import with_warmup
from quintet.training.lightning_patches import optimizers_and_schedules

PLANS: "WeakKeyDictionary[LRScheduler, tuple[list[dict[str, Any]], dict[str, Any]]]"
PLANS = WeakKeyDictionary()
"""How Lightning steps each schedule made here: the entries of further schedules, and its own entry
without the schedule object."""


@dataclass(frozen=True)
class OptimizerFactory:
    """Creates the chosen optimizer.

    Args:
        config: node of the optimizer.
        fused: whether fused kernels may be used.

    """

    config: DictConfig
    fused: bool = True

    def __call__(self, params: "nn.Module | Iterable[Any]") -> Optimizer:
        """Return an optimizer for the trainable parameters of a module, or for given parameters.

        Args:
            params: a module, parameters, or parameter groups. With `weight_decay_on: weights`
                there is no decay of a module's biases, norms and embeddings, or of bare parameters
                with fewer than two dimensions.

        Raises:
            UserError: no parameter is trainable, or a setting is out of range.

        """
        chosen = copy.deepcopy(self.config)
        if not self.fused and chosen.get("fused"):
            OmegaConf.set_readonly(chosen, False)
            chosen.fused = False
        groups = grouped(
            params,
            lr=chosen.lr,
            weight_decay=chosen.get("weight_decay", 0.0),
            on=chosen.get("weight_decay_on", "weights"),
            layer_decay=chosen.get("layer_decay", 1.0),
        )
        factory = instantiate(chosen, "optimizer")
        if isinstance(params, nn.Module) and getattr(factory, "func", None) is Muon:
            groups = by_kind(groups, params)
        with explained("optimizer"):
            made: Optimizer = factory(groups)
        if isinstance(made, SwitchesModes):
            made.train()
        return made


@dataclass(frozen=True)
class SchedulerFactory:
    """Creates the chosen schedule, including warm-up.

    Args:
        config: node of the schedule.
        total_steps: optimizer steps of the run.
        steps_per_epoch: optimizer steps per epoch.

    """

    config: DictConfig
    total_steps: int
    steps_per_epoch: int

    def __call__(self, optimizer: Optimizer) -> LRScheduler:
        """Return a schedule for the learning rate of an optimizer.

        If `configure_optimizers` returns it, Lightning steps it at the interval of the choice
        (`scheduler.interval`), and a plateau schedule monitors the metric.

        Raises:
            UserError: a setting is out of range or does not fit the run.

        """
        with explained("scheduler"):
            *before, main = with_warmup(
                instantiate(self.config, "scheduler"),
                optimizer,
                interval=self.config.interval,
                warmup=self.config.warmup,
                total_steps=self.total_steps,
                epochs=math.ceil(self.total_steps / self.steps_per_epoch),
                monitor=self.config.get("monitor"),
            )
        schedule: LRScheduler = main.pop("scheduler")
        PLANS[schedule] = (before, main)
        return schedule


def optimizer_factory(cfg: DictConfig) -> OptimizerFactory:
    """Return the factory for the optimizer of a config."""
    clips = clips_mixed_precision(cfg.trainer.precision, cfg.trainer.gradient_clip_val)
    return OptimizerFactory(cfg.optimizer, fused=not clips)


def scheduler_factory(cfg: DictConfig) -> SchedulerFactory:
    """Return the factory for the schedule of a config; the length of the run must be known."""
    return SchedulerFactory(cfg.scheduler, cfg.facts.total_steps, cfg.facts.steps_per_epoch)


def with_plans(module: L.LightningModule) -> L.LightningModule:
    """Allow a module's `configure_optimizers` to return bare schedules of `SchedulerFactory`."""
    module.configure_optimizers = MethodType(_configured, module)  # type: ignore[method-assign]
    return module


def _configured(module: L.LightningModule) -> Any:
    """Return optimizers and schedules, each schedule with the settings for stepping it."""
    made = type(module).configure_optimizers(module)
    if made is None:
        return None
    optimizers, entries = optimizers_and_schedules(made)
    return optimizers, [planned for entry in entries for planned in _planned(entry)]


def _planned(entry: Any) -> list[Any]:
    schedule = entry.get("scheduler") if isinstance(entry, dict) else entry
    if not isinstance(schedule, LRScheduler) or schedule not in PLANS:
        return [entry]
    before, main = PLANS[schedule]
    given = entry if isinstance(entry, dict) else {}
    return [*before, {**given, **main, "scheduler": schedule}]
