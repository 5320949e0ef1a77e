"""Building the parts of an experiment from a composed config."""

import copy
import inspect
import re
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from omegaconf import DictConfig, OmegaConf

from quintet.artifacts import untrusted_files
from quintet.artifacts.record import CONFIG, PROFILE
from quintet.base import hydra_internals, schema
from quintet.base.advice import Advice
from quintet.base.errors import Code, UserError
from quintet.base.formatting import listed
from quintet.config import further_metrics, run_nodes
from quintet.config.initial_config import as_typed
from quintet.config.instantiate import NODE_KEYS, RESERVED, checked, instantiate
from quintet.config.run_nodes import accepted, unset_arguments
from quintet.config.signature import check_arguments, locate, parameters
from quintet.training.base_model import base_model

if TYPE_CHECKING:
    import lightning.pytorch as L
    from torch import nn
    from torchmetrics import Metric

    from quintet.data.lightning_data import ExperimentData
    from quintet.data.module import DataModule

DEALT = "trainer.use_distributed_sampler"
"""Whether Lightning distributes a LightningDataModule's samples over processes; on by default."""
TARGETS = ("target_centre", "target_width", "target_transform")
"""Arguments with the transform of regression targets, which the module inverts."""
OF_OPTIMIZERS = ("ema", "lr_finder", "swa", "unfreeze")
"""Callbacks that change how an optimizer trains."""


def check(cfg: DictConfig) -> None:
    """Check every node against its signature before data and training, with facts still unknown.

    Raises:
        UserError: as in `instantiate`.

    """
    run_nodes.check_config(cfg)
    _check_strategy(cfg)
    for where, node in (run_nodes.nodes(cfg) | further_metrics.nodes(cfg)).items():
        checked(node, where)
    _check_rates(cfg)


def _check_strategy(cfg: DictConfig) -> None:
    given = str(cfg.trainer.get("strategy"))
    if given.startswith("ddp") and given.endswith(("_spawn", "_fork", "_notebook")):
        raise UserError(
            "trains in processes that return only weights, so the run could not be recorded",
            code=Code.INCOMPATIBLE,
            key="trainer.strategy",
            value=given,
            hint="Use trainer.strategy=ddp, which starts this command once for each device.",
        )


def _check_rates(cfg: DictConfig) -> None:
    """Build the optimizer and its schedule for a dummy parameter, which also checks ranges."""
    from torch import nn

    from quintet.training.factories import optimizer_factory, scheduler_factory

    takes = accepted(cfg)
    trial = copy.deepcopy(cfg)
    for key in ("steps_per_epoch", "total_steps"):
        trial.facts[key] = trial.facts[key] or 10**9  # longer than any warm-up
    if "optimizer" in takes:
        optimizer = optimizer_factory(trial)(nn.Linear(2, 2, bias=False))
        if "scheduler" in takes:
            scheduler_factory(trial)(optimizer)


def data(cfg: DictConfig) -> "ExperimentData":
    """Return the data chosen by `data=`: any LightningDataModule, or a source of samples.

    The node of a source contains the arguments of both the source and `DataModule`.
    """
    from quintet.data.lightning_data import LightningData

    if (target := _lightning_data(cfg)) is not None:
        if cfg.data.get("folds") and "folds" not in parameters(target):
            raise UserError(
                f"data={target.__name__} is a LightningDataModule without folds, so there are none "
                "to train on",
                code=Code.INCOMPATIBLE,
                key="cv.folds",
                value=cfg.data.folds,
                hint="Leave cv.folds out (cv.seeds works), or let its constructor take folds and "
                "fold.",
            )
        return LightningData(instantiate(cfg.data, "data"), seed=cfg.data.get("seed", cfg.seed))
    return _source(cfg)


def _lightning_data(cfg: DictConfig) -> "type[L.LightningDataModule] | None":
    """Return the LightningDataModule class chosen by `data=`; None for a source of samples."""
    import lightning.pytorch as L

    target = locate(cfg.data.get("_target_", ""), "data")
    found = inspect.isclass(target) and issubclass(target, L.LightningDataModule)
    return target if found else None  # type: ignore[return-value]


def _source(cfg: DictConfig) -> "DataModule":
    from quintet.data.module import DataModule

    target = locate(cfg.data.get("_target_", ""), "data")
    takes = {*parameters(DataModule), *parameters(target)} - {"source"}
    for key in sorted(cfg.data.keys() - takes - RESERVED["data"] - NODE_KEYS):
        raise UserError(
            "is not a key", code=Code.UNKNOWN_NAME, key=f"data.{key}", allowed=sorted(takes)
        )
    common = {k: v for k, v in cfg.data.items() if k in parameters(DataModule)}
    check_arguments(DataModule, OmegaConf.to_container(OmegaConf.create(common)), "data")  # type: ignore[arg-type]
    own = OmegaConf.masked_copy(cfg.data, [k for k in cfg.data if k not in common])
    hydra_internals.set_parent(own, cfg)
    source = partial(instantiate, own, "data")
    return DataModule(source, **common)


def model(cfg: DictConfig) -> "nn.Module | None":
    """Return the model as constructed; None for a module that takes no model."""
    from quintet.options.models.layers import check_batch

    if "model" not in accepted(cfg):
        return None
    network: nn.Module = _of_facts(cfg, "model")
    if cfg.facts.get("inputs"):
        with untrusted_files.understood(Path(cfg.paths.run) / CONFIG):
            _take_rows(network, cast("dict[str, Any]", OmegaConf.to_container(cfg.facts.inputs)))
    sizes = [n for n in (cfg.data.get("batch_size"), cfg.facts.train_size) if n is not None]
    if sizes:
        check_batch(network, min(sizes))
    return network


def _take_rows(network: "nn.Module", inputs: dict[str, Any]) -> None:
    """Let a model with named inputs accept rows in which they are concatenated."""
    from quintet.data.named_inputs import by_name
    from quintet.data.samples import NamedInput

    by_name(network, {name: schema.build(NamedInput, each) for name, each in inputs.items()})


def _of_facts(cfg: DictConfig, group: str) -> Any:
    """Instantiate the node of a group, which may refer to facts.

    Raises:
        UserError: as in `instantiate`; names facts that the data does not state, if they cause it.

    """
    try:
        return instantiate(cfg[group], group)
    except UserError as error:
        if error.code is Code.FAILED and (unknown := _unknown_facts(cfg, group)):
            raise UserError(
                f"needs {listed(unknown)} of the data, which it does not state ({error.problem})",
                code=Code.MISSING_VALUE,
                key=group,
                hint=f'State it in the LightningDataModule: self.facts = {{"{unknown[0]}": ...}}; '
                f"or give the {group}'s argument",
            ) from error
        raise


def _unknown_facts(cfg: DictConfig, group: str) -> list[str]:
    """Return the unknown facts that a group refers to; a model may do so through its loss."""
    groups = (group, "loss") if group == "model" else (group,)
    nodes = [OmegaConf.to_container(cfg[each], resolve=False) for each in groups]
    named = dict.fromkeys(re.findall(r"\$\{facts\.(\w+)\}", str(nodes)))
    return [name for name in named if cfg.facts.get(name) is None]


def task(cfg: DictConfig, data: "ExperimentData", network: "nn.Module | None") -> Any:
    """Build the LightningModule with the choices that its constructor takes.

    Args:
        cfg: config with the facts of the data and the length of the run.
        data: loaded data, or with the state of a checkpoint.
        network: the model; None if the module takes none.

    Raises:
        UserError: it cannot be built, or is not a LightningModule.

    """
    import lightning.pytorch as L

    from quintet.training.factories import with_plans
    from quintet.training.lightning_patches import without_empty_hooks

    offered, names = _offers(cfg, data, network), unset_arguments(cfg)
    given = {name: make() for name, make in offered.items() if name in names}
    check_undone(cfg, data, given)
    built = instantiate(cfg.module, "module", **given)
    if not isinstance(built, L.LightningModule):
        raise UserError(
            f"is a {type(built).__name__}, not a LightningModule",
            code=Code.WRONG_TYPE,
            key="module._target_",
            value=cfg.module.get("_target_"),
        )
    return without_empty_hooks(with_plans(built) if "scheduler" in given else built)


def check_callbacks(cfg: DictConfig, task: "L.LightningModule") -> None:
    """Check that callbacks that need an optimizer are used with a module that has one.

    Raises:
        UserError: the module is not trained by gradient descent.

    """
    if getattr(task, "by_gradients", True):
        return
    for name in OF_OPTIMIZERS:
        if cfg.callbacks.get(name) is not None:
            raise UserError(
                f"has no effect on module={run_nodes.name(cfg)}, which no optimizer trains",
                code=Code.INCOMPATIBLE,
                key=f"callbacks.{name}",
                hint="Leave it out",
            )


def check_undone(cfg: DictConfig, data: "ExperimentData", given: dict[str, Any]) -> None:
    """Check that a module takes the transform of targets, which it has to invert.

    Raises:
        UserError: its constructor does not take it.

    """
    if data.target_transform is not None and "target_transform" not in given:
        raise UserError(
            f"is not undone by module={cfg.module.get('_target_')}",
            code=Code.INCOMPATIBLE,
            key="data.target_transform",
            value=data.target_transform,
            hint="Leave it out, or use module=supervised",
        )


def _offers(
    cfg: DictConfig, data: "ExperimentData", network: "nn.Module | None"
) -> dict[str, Callable[[], Any]]:
    """Return the objects that a module's constructor may take, by argument name."""
    from quintet.training.factories import optimizer_factory, scheduler_factory

    return {
        "model": lambda: network,
        "loss": lambda: _of_facts(cfg, "loss"),
        "metric": lambda: _of_facts(cfg, "metric"),
        "metrics": lambda: further_metrics_of(cfg),
        "init": lambda: _init(cfg),
        "optimizer": lambda: optimizer_factory(cfg),
        "scheduler": lambda: scheduler_factory(cfg),
        "facts": lambda: OmegaConf.to_container(cfg.facts),
        **{name: partial(getattr, data, name) for name in TARGETS},
    }


def further_metrics_of(cfg: DictConfig) -> "dict[str, Metric]":
    """Return the further metrics, in addition to the primary one, by name."""
    nodes = further_metrics.nodes(cfg).items()
    return {str(node.name): instantiate(node, where) for where, node in nodes}


def initialise(cfg: DictConfig, network: "nn.Module") -> list[Advice]:
    """Set the model's parameters by `init=`; return the init's warnings."""
    from quintet.options.inits import InitWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InitWarning)
        _init(cfg)(network)
    for other in (w for w in caught if not issubclass(w.category, InitWarning)):
        warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    return [w.message.advice for w in caught if isinstance(w.message, InitWarning)]


def _init(cfg: DictConfig) -> Any:
    """Return the init, with a base model where it is relative to one."""
    from quintet.options.mup import RelativeInit

    init = instantiate(cfg.init, "init")
    if not isinstance(init, RelativeInit) or "model" not in accepted(cfg):
        return init
    return init.relative_to(base_model(cfg, init.base_width, partial(_of_facts, group="model")))


def trainer(cfg: DictConfig, *, watched: bool = True, **settings: Any) -> "L.Trainer":
    """Return a Trainer, with the enabled callbacks and loggers if `watched`.

    `settings` override those of the config.

    Use `watched=False` to evaluate a finished model, since a callback such as EMA would replace its
    weights.
    """
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    from quintet.artifacts.checkpoint_io import WholeCheckpointIO
    from quintet.base import devices
    from quintet.training import ddp_shutdown
    from quintet.training.callbacks.session import SignalRelay
    from quintet.training.lightning_patches import find_plugins_once, without_empty_hooks
    from quintet.training.multi_node import check_nodes

    ddp_shutdown.watch_ranks()
    find_plugins_once()
    phases = (cfg.get("callbacks") or {}).get("unfreeze") is not None
    if cfg.trainer.get("strategy") == "ddp" and (phases or "loss" not in accepted(cfg)):
        # Parameters may lack a gradient in a step: frozen, or used by another loss or optimizer.
        settings = {"strategy": "ddp_find_unused_parameters_true"} | settings
    if "data" in cfg and _lightning_data(cfg) is not None:  # does not distribute its samples
        typed = any(word.startswith(f"{DEALT}=") for word in as_typed(cfg.overrides))
        settings = ({} if typed else {"use_distributed_sampler": True}) | settings
    settings = {"profiler": _profiler(cfg) if watched else None} | settings
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
    check_nodes(built)
    return cast("L.Trainer", built)


def _profiler(cfg: DictConfig) -> Any:
    """Return the profiler named by `trainer.profiler`, which writes to the run folder.

    Raises:
        UserError: there is no profiler of this name.

    """
    from lightning.pytorch import profilers

    given = cfg.trainer.get("profiler")
    if not isinstance(given, str):
        return instantiate(given, "trainer.profiler") if given is not None else None
    kinds = {
        "simple": profilers.SimpleProfiler,
        "advanced": profilers.AdvancedProfiler,
        "pytorch": profilers.PyTorchProfiler,
    }
    if given not in kinds:
        raise UserError(
            "is not a profiler",
            code=Code.UNKNOWN_NAME,
            key="trainer.profiler",
            value=given,
            allowed=[*kinds],
        )
    return kinds[given](dirpath=cfg.paths.run, filename=PROFILE)


def loggers(cfg: DictConfig) -> list[Any]:
    """Return the enabled loggers; secrets are redacted before they reach them."""
    from quintet.trackers.tracking import keep_secrets_from

    return [keep_secrets_from(each) for each in _switched_on(cfg, "logger")]


def strategy(cfg: DictConfig) -> tuple[Any, Any]:
    """Return the sampler and the trial scheduler of a sweep."""
    parts = ("sampler", "scheduler")
    return tuple(instantiate(cfg.sweeper[p], f"sweeper.{p}") for p in parts)


def _switched_on(cfg: DictConfig, group: str) -> Iterable[Any]:
    for name, node in (cfg[group] or {}).items():
        if node is not None:
            yield instantiate(node, f"{group}.{name}")
