"""Hydra's Sweeper, which calls `quintet.commands`; thin, as Hydra loads it at every start."""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class QuintetSweeper(Sweeper):
    """Runs `train.py -m`; the sweep's settings are in the config's `sweeper` node.

    Args:
        params: swept overrides, where Hydra's own sweepers have them.

    """

    def __init__(self, params: dict[str, Any] | None = None) -> None:
        self.params = params or {}

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Store what Hydra passes."""
        self.context, self.config = hydra_context, config

    def sweep(self, arguments: list[str]) -> float | None:
        """Run the sweep; return the best metric."""
        from quintet.commands.experiments import sweep

        own = [f"{key}={value}" for key, value in self.params.items()]
        return sweep(self.context, self.config, [*own, *arguments])


class WandbFile(QuintetSweeper):
    """Runs `wandb_sweep.py`: prints the sweep as a file for `wandb sweep`, without running it."""

    def sweep(self, arguments: list[str]) -> None:
        """Print the file."""
        from quintet.sweep.wandb_file import write

        own = [f"{key}={value}" for key, value in self.params.items()]
        print(write(self.config, self.context.config_loader, [*own, *arguments]))


@dataclass
class QuintetSweeperConf:
    """The node `hydra.sweeper`."""

    _target_: str = "hydra_plugins.quintet.sweeper.QuintetSweeper"
    params: dict[str, Any] = field(default_factory=dict)


@dataclass
class WandbFileConf(QuintetSweeperConf):
    """The node `hydra.sweeper` of wandb_sweep.yaml."""

    _target_: str = "hydra_plugins.quintet.sweeper.WandbFile"


for name, node in {"quintet": QuintetSweeperConf, "wandb_file": WandbFileConf}.items():
    ConfigStore.instance().store(group="hydra/sweeper", name=name, node=node, provider="quintet")
