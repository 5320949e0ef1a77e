"""The initial config of a run, in `.hydra/` of its folder, from which it is resumed.

Hydra writes these files in place, so a killed process may leave a truncated one. Here each is
written atomically, config.yaml last: if it exists, all exist. Folders of earlier versions, which
contain Hydra's own files, can be read as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, ListConfig, OmegaConf

from quintet.base import hydra_internals, plain_yaml
from quintet.base.console import train_line, typed
from quintet.base.errors import Code, UserError
from quintet.base.files import write_atomically
from quintet.config import references
from quintet.config.foreign_config import BEGUN
from quintet.config.renamed_targets import with_current_targets
from quintet.config.safe_overrides import split_by_safety

FOLDER = ".hydra"
COMPOSED, HYDRA, OVERRIDES = "config.yaml", "hydra.yaml", "overrides.yaml"
FIRST = ("seed:", "hydra:", "{'hydra':", "{'seed':")
"""First key of the config and of Hydra's config, as text or parsed."""
LAST_GROUP = "paths"
"""A key near the end of a composed config, which a truncated file lacks."""


@dataclass(frozen=True)
class InitialConfig:
    """A run's composed config with unresolved references, its overrides and its choices."""

    config: dict[str, Any]
    overrides: list[str]
    choices: dict[str, str | None]


def write(composed: DictConfig, folder: Path) -> None:
    """Write the initial config of a new run.

    Args:
        composed: config as Hydra passes it to the command.
        folder: folder of the run.

    """
    from hydra.core.hydra_config import HydraConfig

    hydra: Any = HydraConfig.instance().cfg
    parts = (hydra.hydra.overrides.task, hydra, composed)
    task, whole, own = (OmegaConf.to_container(part, enum_to_str=True) for part in parts)
    write_plain(task, whole, own, folder)


def write_plain(task: Any, hydra: Any, composed: Any, folder: Path) -> None:
    """Write the initial config of a new run from plain data.

    Args:
        task: overrides as typed.
        hydra: Hydra's own config.
        composed: config of the run.
        folder: folder of the run.

    """
    for name, part in {OVERRIDES: task, HYDRA: hydra, COMPOSED: composed}.items():
        write_atomically(folder / FOLDER / name, hydra_internals.to_yaml(part))


@dataclass(frozen=True)
class Composed:
    """A run's config, and a function that writes its initial config to its folder."""

    cfg: DictConfig
    write_down: Callable[[], None]


def has_initial_config(folder: Path) -> bool:
    """Return whether a folder has an initial config, which may be truncated."""
    return (folder / FOLDER / COMPOSED).is_file()


def read(folder: Path) -> InitialConfig:
    """Return the initial config of a run.

    Raises:
        UserError: the run was stopped before it was written; the hint says how to restart it.

    """
    composed, hydra = (_loaded(folder / FOLDER / name) for name in (COMPOSED, HYDRA))
    overrides = references.value(hydra, "hydra.overrides.task")
    choices = references.value(hydra, "hydra.runtime.choices")
    known = isinstance(overrides, list) and isinstance(choices, dict)
    if LAST_GROUP not in composed or not known:
        raise _start_again(folder)
    return InitialConfig(composed, list(map(str, overrides)), dict(choices))


def check_free(folder: Path) -> None:
    """Check that a folder has no `.hydra/` files of another program.

    Raises:
        UserError: it has; the hint gives the alternatives.

    """
    begun = folder / FOLDER
    config, hydra, overrides = (_kept(begun / name) for name in (COMPOSED, HYDRA, OVERRIDES))
    if overrides is None:  # Hydra writes this file last: the others may be truncated
        ours = all(kept is None or str(kept).startswith(FIRST) for kept in (config, hydra))
    else:
        ours = isinstance(overrides, list) and isinstance(hydra, dict | None)
        ours &= config is None or (isinstance(config, dict) and config.keys() >= {*BEGUN})
    if not ours:
        raise UserError(
            f"{begun} belongs to another program, and a run would overwrite it",
            code=Code.EXISTS,
            hint="Choose another hydra.run.dir.",
        )


def words(folder: Path) -> list[str] | None:
    """Return the overrides of the run in a folder; None if it was never started."""
    found = _loaded(folder / FOLDER / OVERRIDES)
    return (
        [*map(str, found["listed"] or [])]
        if has_initial_config(folder) and "listed" in found
        else None
    )


def refuse(folder: Path) -> None:
    """Check that a run was not stopped before its initial config was complete.

    Raises:
        UserError: it was; the hint says how to restart it.

    """
    if (folder / FOLDER).is_dir() and not has_initial_config(folder):
        raise _start_again(folder)


def as_typed(overrides: ListConfig | list[str]) -> list[str]:
    """Return overrides with unresolved references, since a resolved value may be a secret."""
    return cast(list[str], OmegaConf.to_container(cast(ListConfig, overrides), resolve=False))


def _loaded(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file, {} if it is truncated; a list is under key `listed`."""
    try:
        found = with_current_targets(plain_yaml.read(path))
    except (OSError, UserError):
        return {}
    return found if isinstance(found, dict) else {"listed": found}


def _kept(path: Path) -> Any:
    """Return the content of a YAML file, how it begins if it is invalid, None if it is missing."""
    try:
        return plain_yaml.read(path)
    except FileNotFoundError:
        return None
    except UserError:
        if not path.is_file():
            return "?"
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(max(map(len, FIRST)))


def _start_again(folder: Path) -> UserError:
    found, place = _loaded(folder / FOLDER / OVERRIDES), f"hydra.run.dir={typed(folder)}"
    again = "with its original command."
    if "listed" in found:
        kept, out = split_by_safety(map(str, found["listed"] or []))
        again = f"with `{train_line(*kept, place)}`"
        again += f"\nLeft out of it, as it could run code: {', '.join(out)}" if out else ""
    return UserError(
        "cannot be resumed: the run was stopped before it had saved its config. Nothing is lost",
        code=Code.DAMAGED,
        key="resume",
        value=folder,
        hint=f"Start it again {again}",
    )
