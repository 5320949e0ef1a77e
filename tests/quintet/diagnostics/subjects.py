"""A real experiment before training, and mistakes to plant in it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict
from torch import nn

from quintet.commands import check as checking
from quintet.diagnostics.subject import Subject
from quintet.modules.supervised import SupervisedModule

CONFIGS = Path(__file__).parents[3] / "configs"


def composed(folder: Path, *overrides: str, config: str = "train") -> DictConfig:
    """Compose as the command does, with `folder` as the run folder."""
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        words = [f"paths.run={folder}", "paths.root=.", *overrides]
        cfg = compose(config, words, return_hydra_config=True)
    HydraConfig.instance().set_config(cfg)
    with open_dict(cfg):
        cfg.choices = {k: v for k, v in cfg.hydra.runtime.choices.items() if "/" not in k}
        del cfg.hydra
    return OmegaConf.create(OmegaConf.to_container(cfg, resolve=False))


def subject(folder: Path, *overrides: str) -> Subject:
    """Prepare an experiment with these words."""
    return checking.prepare(composed(folder, "trainer=cpu", *overrides))


def with_model(subject: Subject, wrap: Callable[[nn.Module], nn.Module]) -> Subject:
    """Plant another model."""

    def make() -> SupervisedModule:
        task = subject.make()
        task.model = wrap(task.model)
        return task

    return replace(subject, make=make)
