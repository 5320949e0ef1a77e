"""The first line of a run's output; this module imports nothing slow."""

from omegaconf import DictConfig

from quintet.artifacts.record import trained
from quintet.base.console import say
from quintet.base.process import is_first_rank


def print_header(cfg: DictConfig) -> None:
    """Print what will be trained, once the config is known and before libraries are imported."""
    if is_first_rank():
        say("")
        say("[bold]{}[/] on [bold]{}[/]", trained(cfg.choices), cfg.choices.get("data"))
