"""The setup of a run before its first step: config, facts, data and length."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from quintet.base import console
from quintet.config import bounds, further_metrics, objectives, references
from quintet.config.compatibility import check_choices, check_keys
from quintet.config.initial_config import as_typed
from quintet.config.run_nodes import check_typed
from quintet.config.task_defaults import choose_defaults
from quintet.study.trial_pipe import is_trial
from quintet.training import build
from quintet.training.training_steps import count_steps

if TYPE_CHECKING:
    from quintet.data.lightning_data import ExperimentData, StatedFacts
    from quintet.data.samples import Facts


@dataclass(frozen=True)
class Setup:
    """The state of a run before its first step.

    Args:
        config: composed config with the facts of the data and the length of the run; read-only.
        facts: facts of the data.
        data: loaded and split data.

    """

    config: DictConfig
    facts: "Facts | StatedFacts"
    data: "ExperimentData"


def setup(cfg: DictConfig) -> Setup:
    """Check a config, read its data and count the steps of the run; `cfg` is not changed.

    Raises:
        UserError: the config or the data is invalid.

    """
    with console.busy("loading torch and Lightning"):
        validate(cfg)
        set_up_process(cfg)
        import_module("lightning.pytorch")
    config = deepcopy(cfg)
    data, trainer = build.data(config), build.trainer(config, watched=False)
    data.attach(trainer)
    facts = data.load()
    set_facts(config, facts)
    if not is_trial():  # a sweep compares trials by the metric that it started with
        note_defaults(data, choose_defaults(config))
        warn_of_objectives(config)
    check_choices(config)  # again, as the task may only be known once the data is read
    count_steps(config, trainer, data)
    OmegaConf.set_readonly(config, True)
    return Setup(config, facts, data)


def note_defaults(data: "ExperimentData", chosen: list[str]) -> None:
    """Add the choices that were adapted to the target to the data summary."""
    if chosen:
        data.data_summary.append(f"Chosen to fit the target: {' '.join(chosen)}.")


def warn_of_objectives(cfg: DictConfig) -> None:
    """Say that objectives and constraints decide nothing in a run by itself.

    Raises:
        UserError: a sweep would refuse them.

    """
    for key, found in (("objectives", objectives.of(cfg)), ("constraints", bounds.given(cfg))):
        if found:
            _warn_of(key, cfg.metric.name)


@cache
def _warn_of(key: str, metric: str) -> None:
    """Say once, not for each fold, what a run with objectives or constraints is judged by."""
    console.warn(f"{key}= orders the trials of a sweep (-m); this run is judged by {metric}.")


def validate(
    cfg: DictConfig,
    *,
    compatibility: bool = True,
    check: Callable[[DictConfig], None] = build.check,
) -> None:
    """Check a config without its data: keys, choices, and every signature.

    Args:
        cfg: composed config.
        compatibility: whether choices must fit the chosen data set.
        check: function that checks the nodes of the config against signatures.

    Raises:
        UserError: the config is invalid; says what is allowed.

    """
    further_metrics.expand(cfg)
    check_keys(cfg)
    check_typed(cfg, as_typed(cfg.overrides))
    if compatibility:
        check_choices(cfg)
    check(cfg)


def set_up_process(cfg: DictConfig) -> None:
    """Set the state of the process: seeds, CPU threads, and verbosity of libraries."""
    import lightning.pytorch as L
    import torch

    console.quiet(cfg.debug)
    L.seed_everything(cfg.seed, workers=True, verbose=False)
    torch.set_num_threads(cfg.threads)


def set_facts(cfg: DictConfig, facts: "Facts | StatedFacts") -> None:
    """Write the facts of the data to the config, to which models, losses and metrics refer."""
    OmegaConf.update(cfg, "facts", references.literal(asdict(facts)), merge=True, force_add=True)
