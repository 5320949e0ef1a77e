"""Relative paths in the config of a run that changes the working directory."""

from collections.abc import Iterator
from pathlib import Path

from omegaconf import DictConfig, OmegaConf, open_dict

NAMES = ("path", "weights", "resume", "run", "input", "sweep", "cache")
"""Keys whose value is a path, or the suffixes of such keys after an underscore."""


def make_absolute(cfg: DictConfig, folder: Path) -> None:
    """Make the relative paths of a config absolute if Hydra has changed the working directory.

    With `hydra.job.chdir` Hydra leaves this to the program; otherwise the paths would not exist. A
    value that does not exist relative to the terminal's folder either is left unchanged.

    Args:
        cfg: composed config; changed in place.
        folder: working directory of the terminal.

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
