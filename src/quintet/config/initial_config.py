"""What a run began with, in `.hydra/` of its folder: what a resume needs, whole from the start.

These are the files that Hydra itself would write, which does so in place: a process that is killed
meanwhile leaves half of one. Here each is replaced in one step, config.yaml last, so that where it
is there, all are. Folders of earlier versions, which hold Hydra's own, are read alike.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, ListConfig, OmegaConf

from quintet.base import hydra_internals, plain_yaml
from quintet.base.console import command_line, typed
from quintet.base.errors import Code, UserError
from quintet.base.files import write_atomically
from quintet.config import references
from quintet.config.foreign_config import BEGUN
from quintet.config.renamed_targets import with_current_targets
from quintet.config.safe_overrides import sort_out

FOLDER = ".hydra"
COMPOSED, HYDRA, OVERRIDES = "config.yaml", "hydra.yaml", "overrides.yaml"
FIRST = ("seed:", "hydra:", "{'hydra':", "{'seed':")
"""How config and Hydra's own begin, as text or read."""
LAST_GROUP = "paths"
"""A key that stands near the end of a composed config: half a file lacks it."""


@dataclass(frozen=True)
class Begun:
    """A run's config as it was composed, references unresolved; what was typed and chosen."""

    config: dict[str, Any]
    overrides: list[str]
    choices: dict[str, str | None]


def write(composed: DictConfig, folder: Path) -> None:
    """Write down what a new run begins with.

    Args:
        composed: the config as Hydra hands it to the command.
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


def has_begun(folder: Path) -> bool:
    """Return whether a folder holds what a resume needs; it may turn out to be torn."""
    return (folder / FOLDER / COMPOSED).is_file()


def read(folder: Path) -> Begun:
    """Return what the run in a folder began with.

    Raises:
        UserError: it was stopped before that was written; says how to start it again.

    """
    composed, hydra = (_loaded(folder / FOLDER / name) for name in (COMPOSED, HYDRA))
    overrides = references.value(hydra, "hydra.overrides.task")
    choices = references.value(hydra, "hydra.runtime.choices")
    known = isinstance(overrides, list) and isinstance(choices, dict)
    if LAST_GROUP not in composed or not known:
        raise _start_again(folder)
    return Begun(composed, list(map(str, overrides)), dict(choices))


def check_free(folder: Path) -> None:
    """Refuse a folder in which another program of Hydra's has left what it began with.

    Raises:
        UserError: with the ways out.

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
            f"{begun} is of another program, and a run there would overwrite it",
            code=Code.EXISTS,
            hint="Choose another hydra.run.dir.",
        )


def words(folder: Path) -> list[str] | None:
    """Return what was typed to start the run in a folder; None where it came to nothing."""
    found = _loaded(folder / FOLDER / OVERRIDES)
    return [*map(str, found["listed"] or [])] if has_begun(folder) and "listed" in found else None


def refuse(folder: Path) -> None:
    """Refuse to resume in a folder that a run was to begin in, where it came to nothing.

    Raises:
        UserError: says how to start it again; nothing is raised for any other folder.

    """
    if (folder / FOLDER).is_dir() and not has_begun(folder):
        raise _start_again(folder)


def as_typed(overrides: ListConfig | list[str]) -> list[str]:
    """Return overrides with their references as they stand: what is resolved may be a secret."""
    return cast(list[str], OmegaConf.to_container(cast(ListConfig, overrides), resolve=False))


def _loaded(path: Path) -> dict[str, Any]:
    """Return a YAML file's content, {} of one that is torn; a list as `listed`."""
    try:
        found = with_current_targets(plain_yaml.read(path))
    except (OSError, UserError):
        return {}
    return found if isinstance(found, dict) else {"listed": found}


def _kept(path: Path) -> Any:
    """Return what a YAML file holds, its text where that is torn; None where nothing is lost."""
    try:
        return plain_yaml.read(path)
    except FileNotFoundError:
        return None
    except UserError:
        return path.read_text("utf-8", errors="replace") if path.is_file() else "?"


def _start_again(folder: Path) -> UserError:
    found, place = _loaded(folder / FOLDER / OVERRIDES), f"hydra.run.dir={typed(folder)}"
    again = "with the command that began it."
    if "listed" in found:
        kept, out = sort_out(map(str, found["listed"] or []))
        again = f"with `{command_line('train', *kept, place)}`"
        again += f"\nLeft out of it, as it could run code: {', '.join(out)}" if out else ""
    return UserError(
        "cannot be resumed: the run was stopped before it had saved its config. Nothing is lost",
        code=Code.DAMAGED,
        key="resume",
        value=folder,
        hint=f"Start it again {again}",
    )
