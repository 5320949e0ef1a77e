"""The initial config of a run, in `.hydra/` of its folder: what a resume needs.

Hydra itself would write these files in place, and a process killed meanwhile leaves half of one.
Here each is written atomically, config.yaml last, so if it exists, all exist. Folders of earlier
versions, which hold Hydra's own files, are read as well.
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
from quintet.config.safe_overrides import sort_out

FOLDER = ".hydra"
COMPOSED, HYDRA, OVERRIDES = "config.yaml", "hydra.yaml", "overrides.yaml"
FIRST = ("seed:", "hydra:", "{'hydra':", "{'seed':")
"""How the config and Hydra's config begin, as text or parsed."""
LAST_GROUP = "paths"
"""A key near the end of a composed config, missing in a truncated file."""


@dataclass(frozen=True)
class Begun:
    """A run's config as composed, with unresolved references, its overrides and choices."""

    config: dict[str, Any]
    overrides: list[str]
    choices: dict[str, str | None]


def write(composed: DictConfig, folder: Path) -> None:
    """Write the initial config of a new run.

    Args:
        composed: the config as Hydra passes it to the command.
        folder: of the run.

    """
    from hydra.core.hydra_config import HydraConfig

    hydra: Any = HydraConfig.instance().cfg
    parts = (hydra.hydra.overrides.task, hydra, composed)
    task, whole, own = (OmegaConf.to_container(part, enum_to_str=True) for part in parts)
    write_plain(task, whole, own, folder)


def write_plain(task: Any, hydra: Any, composed: Any, folder: Path) -> None:
    """Write down what a new run begins with, as plain data.

    Args:
        task: what was typed.
        hydra: Hydra's own config.
        composed: the run's.
        folder: of the run.

    """
    for name, part in {OVERRIDES: task, HYDRA: hydra, COMPOSED: composed}.items():
        write_atomically(folder / FOLDER / name, hydra_internals.to_yaml(part))


@dataclass(frozen=True)
class Composed:
    """A run's config, and what writes down in its folder what a resume needs."""

    cfg: DictConfig
    write_down: Callable[[], None]


def has_begun(folder: Path) -> bool:
    """Return whether a folder has an initial config, which may still be truncated."""
    return (folder / FOLDER / COMPOSED).is_file()


def read(folder: Path) -> Begun:
    """Return the initial config of a run.

    Raises:
        UserError: the run was stopped before it was written; says how to start it again.

    """
    composed, hydra = (_loaded(folder / FOLDER / name) for name in (COMPOSED, HYDRA))
    overrides = references.value(hydra, "hydra.overrides.task")
    choices = references.value(hydra, "hydra.runtime.choices")
    known = isinstance(overrides, list) and isinstance(choices, dict)
    if LAST_GROUP not in composed or not known:
        raise _start_again(folder)
    return Begun(composed, list(map(str, overrides)), dict(choices))


def check_free(folder: Path) -> None:
    """Refuse a folder with the `.hydra/` files of another program.

    Raises:
        UserError: with the alternatives.

    """
    begun = folder / FOLDER
    config, hydra, overrides = (_kept(begun / name) for name in (COMPOSED, HYDRA, OVERRIDES))
    if overrides is None:  # Hydra writes it last: the others may be torn
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
    """Return the overrides of the run in a folder; None if it never started."""
    found = _loaded(folder / FOLDER / OVERRIDES)
    return [*map(str, found["listed"] or [])] if has_begun(folder) and "listed" in found else None


def refuse(folder: Path) -> None:
    """Refuse to resume a run that was stopped before its initial config was complete.

    Raises:
        UserError: says how to start it again; nothing is raised for other folders.

    """
    if (folder / FOLDER).is_dir() and not has_begun(folder):
        raise _start_again(folder)


def as_typed(overrides: ListConfig | list[str]) -> list[str]:
    """Return overrides with unresolved references, as a resolved one may be a secret."""
    return cast(list[str], OmegaConf.to_container(cast(ListConfig, overrides), resolve=False))


def _loaded(path: Path) -> dict[str, Any]:
    """Return a YAML file's content, {} if it is truncated; a list under the key `listed`."""
    try:
        found = with_current_targets(plain_yaml.read(path))
    except (OSError, UserError):
        return {}
    return found if isinstance(found, dict) else {"listed": found}


def _kept(path: Path) -> Any:
    """Return a YAML file's content, or its text if it is not valid; None if there is no file."""
    try:
        return plain_yaml.read(path)
    except FileNotFoundError:
        return None
    except UserError:
        return path.read_text("utf-8", errors="replace") if path.is_file() else "?"


def _start_again(folder: Path) -> UserError:
    found, place = _loaded(folder / FOLDER / OVERRIDES), f"hydra.run.dir={typed(folder)}"
    again = "with its original command."
    if "listed" in found:
        kept, out = sort_out(map(str, found["listed"] or []))
        again = f"with `{train_line(*kept, place)}`"
        again += f"\nLeft out of it, as it could run code: {', '.join(out)}" if out else ""
    return UserError(
        "cannot be resumed: the run was stopped before it had saved its config. Nothing is lost",
        code=Code.DAMAGED,
        key="resume",
        value=folder,
        hint=f"Start it again {again}",
    )
