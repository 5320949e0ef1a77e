"""Relative paths of a run that changes its folder: they are relative to where it was typed."""

from collections.abc import Iterator
from pathlib import Path

from omegaconf import DictConfig, OmegaConf, open_dict

NAMES = ("path", "weights", "resume", "run", "input", "sweep", "cache")
"""Keys that hold a path, or the ends of such keys after an underscore."""


def settle(cfg: DictConfig, folder: Path) -> None:
    """Make the relative paths of a config absolute where Hydra has left the terminal's folder.

    Hydra itself leaves them to the program (`hydra.job.chdir`), where they would name nothing. A
    value that names nothing in the terminal's folder either stays as it is.

    Args:
        cfg: composed; changed in place.
        folder: the terminal's.

    """
    if Path.cwd() == folder:
        return
    for node, key in list(_named(cfg)):
        value = OmegaConf.to_container(node, resolve=False)[key]  # type: ignore[index,call-overload]
        if isinstance(value, str) and "${" not in value and (folder / value).exists():
            with open_dict(node):
                node[key] = str(folder / value)


def _named(node: DictConfig) -> Iterator[tuple[DictConfig, str]]:
    for key in node:
        name = str(key)
        if OmegaConf.is_missing(node, name) or OmegaConf.is_interpolation(node, name):
            continue
        if isinstance(node[name], DictConfig):
            yield from _named(node[name])
        elif name.rpartition("_")[2] in NAMES and node[name]:
            yield node, name
