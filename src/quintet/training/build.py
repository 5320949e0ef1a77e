"""From a composed config to the parts of an experiment."""

import copy
import math
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from omegaconf import DictConfig, OmegaConf

from quintet.base import hydra_internals
from quintet.base.advice import Advice
from quintet.base.errors import UserError, nearest
from quintet.config import known_signatures
from quintet.config.instantiate import NODE_KEYS, RESERVED, checked, explained, instantiate
from quintet.config.signature import check_arguments, locate, parameters

if TYPE_CHECKING:
    import lightning.pytorch as L
    from torch import nn

    from quintet.data.module import DataModule
    from quintet.modules.supervised import SupervisedModule


def check(cfg: DictConfig) -> None:
    """Check every node against its signature before data or training; facts are still unknown.

    Raises:
        UserError: as `instantiate`.

    """
    known_signatures.check_config(cfg)
    for where, node in known_signatures.nodes(cfg).items():
        checked(node, where)
    _check_rates(cfg)


def _check_rates(cfg: DictConfig) -> None:
    """Try the optimizer and its schedule on a stand-in, so that their ranges are checked too."""
    from torch import nn

    trial = copy.deepcopy(cfg)
    for key in ("steps_per_epoch", "total_steps"):
        trial.facts[key] = trial.facts[key] or 10**9  # no warm-up that is meant is longer
    optimize(trial)(nn.Linear(2, 2, bias=False))


def data(cfg: DictConfig) -> "DataModule":
    """Return the DataModule over the source that `data=` names.

    A data node holds the arguments of its source and those of DataModule side by side.
    """
    from quintet.data.module import DataModule

    target = locate(cfg.data.get("_target_", ""), "data")
    takes = {*parameters(DataModule), *parameters(target)} - {"source"}
    for key in sorted(cfg.data.keys() - takes - RESERVED["data"] - NODE_KEYS):
        raise UserError(f"data.{key}: there is no such key. {nearest(str(key), takes)}")
    common = {k: v for k, v in cfg.data.items() if k in parameters(DataModule)}
    check_arguments(DataModule, OmegaConf.to_container(OmegaConf.create(common)), "data")  # type: ignore[arg-type]
    own = OmegaConf.masked_copy(cfg.data, [k for k in cfg.data if k not in common])
    hydra_internals.set_parent(own, cfg)
    source = partial(instantiate, own, "data")
    return DataModule(source, **common)


def model(cfg: DictConfig) -> "nn.Module":
    """Return the model, as its own constructor leaves it."""
    from quintet.options.models.layers import check_batch

    network: nn.Module = instantiate(cfg.model, "model")
    check_batch(network, min(cfg.data.batch_size, cfg.facts.train_size))
    return network


def initialise(cfg: DictConfig, network: "nn.Module") -> list[Advice]:
    """Set the model's parameters by `init=`; return what the init warns of."""
    from quintet.options.inits import InitWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InitWarning)
        instantiate(cfg.init, "init")(network)
    for other in (w for w in caught if not issubclass(w.category, InitWarning)):
        warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    return [w.message.advice for w in caught if isinstance(w.message, InitWarning)]


def task(cfg: DictConfig, data: "DataModule", network: "nn.Module") -> "SupervisedModule":
    """Return the LightningModule that trains the model to minimise the loss."""
    import torch

    from quintet.modules.supervised import SupervisedModule
    from quintet.training.lightning_patches import without_empty_hooks

    target = data.preprocess
    task = SupervisedModule(
        network,
        instantiate(cfg.loss, "loss"),
        instantiate(cfg.metric, "metric"),
        metric_name=cfg.metric.name,
        task=cfg.facts.task,
        optimize=optimize(cfg),
        target_centre=target.target_centre if len(target.target_centre) else torch.zeros(1),
        target_width=target.target_width if len(target.target_width) else torch.ones(1),
    )
    return without_empty_hooks(task)


def optimize(cfg: DictConfig) -> Callable[["nn.Module"], Any]:
    """Return the function that gives a model its optimizer and schedule, for Lightning."""
    from quintet.options.optimizers import clips_mixed_precision, layered, parameter_groups

    chosen = copy.deepcopy(cfg.optimizer)
    clips = clips_mixed_precision(cfg.trainer.precision, cfg.trainer.gradient_clip_val)
    if clips and chosen.get("fused"):
        OmegaConf.set_readonly(chosen, False)
        chosen.fused = False

    def make(network: "nn.Module") -> Any:
        from quintet.options.schedulers import with_warmup

        schedule = cfg.scheduler
        groups = parameter_groups(network, chosen.weight_decay, chosen.weight_decay_on)
        if (decay := chosen.get("layer_decay", 1.0)) != 1:
            groups = layered(groups, network, chosen.lr, decay)
        with explained("optimizer"):
            optimizer = instantiate(chosen, "optimizer")(groups)
        with explained("scheduler"):
            schedules = with_warmup(
                instantiate(schedule, "scheduler"),
                optimizer,
                interval=schedule.interval,
                warmup=schedule.warmup,
                total_steps=cfg.facts.total_steps,
                epochs=math.ceil(cfg.facts.total_steps / cfg.facts.steps_per_epoch),
                monitor=schedule.get("monitor"),
            )
        return [optimizer], schedules

    return make


def trainer(cfg: DictConfig, *, watched: bool = True, **settings: Any) -> "L.Trainer":
    """Return a Trainer; with the callbacks and loggers that are switched on if `watched`.

    Other settings take the place of the config's.

    A finished model is evaluated by one that is not watched, since a callback such as EMA would
    put other weights in its place.
    """
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    from quintet.artifacts.checkpoint_io import WholeCheckpointIO
    from quintet.base import devices
    from quintet.training import ddp_shutdown
    from quintet.training.callbacks.session import SignalRelay
    from quintet.training.lightning_patches import without_empty_hooks

    ddp_shutdown.watch_over()
    callbacks = list(map(without_empty_hooks, _switched_on(cfg, "callbacks"))) if watched else []
    told = loggers(cfg) if watched else []
    try:
        built = instantiate(
            cfg.trainer,
            "trainer",
            callbacks=[*callbacks, SignalRelay()],
            plugins=[WholeCheckpointIO()],
            logger=told or False,
            enable_checkpointing=bool(callbacks),
            **settings,
        )
    except MisconfigurationException as error:
        raise devices.refusal(error, cfg.trainer.accelerator, cfg.trainer.devices) from error
    return cast("L.Trainer", built)


def loggers(cfg: DictConfig) -> list[Any]:
    """Return the loggers that are switched on."""
    return list(_switched_on(cfg, "logger"))


def strategy(cfg: DictConfig) -> tuple[Any, Any]:
    """Return a sweep's sampler and scheduler: what to try next, and who goes on."""
    parts = ("sampler", "scheduler")
    return tuple(instantiate(cfg.sweeper[p], f"sweeper.{p}") for p in parts)


def _switched_on(cfg: DictConfig, group: str) -> Iterable[Any]:
    for name, node in (cfg[group] or {}).items():
        if node is not None:
            yield instantiate(node, f"{group}.{name}")
