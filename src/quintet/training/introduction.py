"""The first line of a run; this module imports nothing that takes long."""

from omegaconf import DictConfig

from quintet.artifacts.record import trained
from quintet.base.console import say
from quintet.base.process import is_first_rank


def introduce(cfg: DictConfig) -> None:
    """Print what is to be trained, as soon as the config is known and before libraries load."""
    if is_first_rank():
        say("")
        say("[bold]{}[/] on [bold]{}[/]", trained(cfg.choices), cfg.choices.get("data"))
