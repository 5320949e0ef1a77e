"""Run folders, which are self-contained: their resolved config rebuilds the whole run."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf, open_dict

from quintet.artifacts import output_paths, untrusted_files
from quintet.artifacts.record import CONFIG, ENSEMBLE, RESULT, Record
from quintet.base import hydra_internals, plain_yaml, secrets
from quintet.base.console import typed
from quintet.base.errors import Code, UserError
from quintet.base.files import remove_temporary_files, write_atomically
from quintet.base.process import is_first_rank
from quintet.config import foreign_config, further_metrics, initial_config, references, run_nodes
from quintet.config.trust import Trust

GROUPS = (
    *("metric", "loss", "init", "optimizer", "scheduler", "module", "model", "data", "sweeper"),
)


def effective_groups(cfg: DictConfig) -> list[str]:
    """Return the groups whose choices are used in a run; its module may not take all of them."""
    unused = run_nodes.without_effect(cfg)
    return [group for group in GROUPS if group not in unused]


def one_choice(group: str, given: str | None = None, sweep: Sequence[str] = ()) -> UserError:
    """Return the error for a list of options where a single one is expected.

    Args:
        group: group of the options.
        given: the list as typed; None if it is in a file.
        sweep: the listed options, if a sweep could try each of them.

    """
    where = "" if given else " in the file that gives it"
    hint = f"Choose one{where}, without brackets"
    if sweep:
        hint += f"; to try each, sweep them: -m {group}={','.join(sweep)}"
    return UserError(
        "is a list, but a run has one", code=Code.CONFLICT, key=group, value=given, hint=hint
    )


def note_command(cfg: DictConfig) -> None:
    """Write the command's choices and overrides into the config."""
    from hydra.core.hydra_config import HydraConfig

    hydra = HydraConfig.get()
    with open_dict(cfg):
        chosen = hydra.runtime.choices
        for group in GROUPS:  # Hydra records no choice if a file gives a list for the group
            if cfg.get(group) is not None and group not in chosen:
                raise one_choice(group)
        cfg.choices = {
            group: chosen.get(group) for group in effective_groups(cfg) if group in chosen
        }
        cfg.overrides = initial_config.as_typed(hydra.overrides.task)
        further_metrics.expand(cfg)
        for group in GROUPS:  # a sweep reads the ranges from the files of the options
            if isinstance(cfg.get(group), DictConfig):
                cfg[group].pop("search_space", None)


def begin(cfg: DictConfig) -> None:
    """Complete the composed config of a run and write the initial config to the run's folder.

    A folder with a finished or running run is left unchanged; `locked` raises the error for it.
    """
    from hydra.core.hydra_config import HydraConfig

    folder = Path(HydraConfig.get().runtime.output_dir)
    taken = (folder / CONFIG).exists() or (
        initial_config.has_initial_config(folder) and is_training(folder)
    )
    if is_first_rank() and not cfg.resume and not taken:
        initial_config.write(cfg, folder)
    note_command(cfg)


@contextmanager
def locked(cfg: DictConfig, folder: Path) -> Iterator[None]:
    """Lock a run folder; the system releases the lock when the process ends for any reason.

    Also remove the temporary files of a killed process.

    Raises:
        UserError: another process is training in it, or it contains a run and `resume=` is not set.

    """
    if not is_first_rank():
        yield
        return
    with _locked(folder):
        if not cfg.resume:
            check_free(folder)
        remove_temporary_files(folder)
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UserError(
            f"Another process is training in {folder}",
            code=Code.IN_USE,
            hint="Wait for it to end, or choose another hydra.run.dir.",
        ) from None
    except OSError:  # some network file systems cannot lock folders
        pass
    try:
        yield
    finally:
        os.close(descriptor)


def is_training(folder: Path) -> bool:
    """Return whether a process has locked a run folder with `locked`; always True on Windows."""
    if sys.platform == "win32":
        return True
    try:
        with _locked(folder):
            return False
    except UserError:
        return True


def check_free(folder: Path) -> None:
    """Check that a folder contains no run, and no files that a run would overwrite.

    Raises:
        UserError: it does; the hint gives the alternatives.

    """
    if (folder / CONFIG).exists():
        raise UserError(
            f"{folder} already holds a run",
            code=Code.EXISTS,
            hint=f"Continue it with resume={typed(folder)}, or choose another hydra.run.dir.",
        )
    initial_config.check_free(folder)
    output_paths.check_run_folder(folder)


def claim(cfg: DictConfig, folder: Path) -> None:
    """Save the resolved config, which marks the folder as a run folder.

    The record of an earlier session is marked as interrupted until this session ends.

    Raises:
        UserError: the data of a resumed run has changed; or the config is larger than the limit for
            reading one, for instance because of extremely long class names.

    """
    if not is_first_rank():
        return
    path = folder / CONFIG
    was = (
        references.value(foreign_config.read(path), "facts.fingerprint") if path.exists() else None
    )
    if was not in (None, cfg.facts.fingerprint):
        raise UserError(
            f"The data has changed since the run began: its fingerprint is "
            f"{cfg.facts.fingerprint}, the run's was {was}",
            code=Code.DATA,
            hint="Restore the data, or start a new run.",
        )
    if cfg.resume and (folder / RESULT).is_file():
        Record.read(folder).as_resumed().write(folder)
    text = hydra_internals.to_yaml(_without_secrets(cfg))
    plain_yaml.check_size(text, path)
    write_atomically(path, text)


def without_secrets(cfg: DictConfig) -> DictConfig:
    """Resolve the config, except for references to the environment.

    These are kept even if they are reached through other references, so that neither secrets nor
    machine-specific paths are written.
    """
    return OmegaConf.create(_without_secrets(cfg))


def _without_secrets(cfg: DictConfig) -> dict[str, Any]:
    keep = "${oc.env:%s}"
    OmegaConf.register_new_resolver(
        "oc.env", lambda *arguments: keep % ",".join(map(str, arguments)), replace=True
    )
    try:
        plain = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True, enum_to_str=True))
    finally:
        from omegaconf.resolvers import oc

        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
    safe: dict[str, Any] = secrets.redacted(plain, places=False)
    return safe


def load(folder: Path, trust: Trust) -> DictConfig:
    """Return a run's config after checking it, with `paths.run` set to the folder.

    Args:
        folder: folder of a run; not trusted.
        trust: code and variables that its config may name in addition to the building blocks.

    Raises:
        UserError: it is not a run folder, or its config names code that is not trusted.

    """
    return _placed(foreign_config.resolved(_config_of(folder), trust), folder)


def read(folder: Path) -> DictConfig:
    """Return a run's config for display only: it is not checked, so do not instantiate it.

    Raises:
        UserError: it is not a run folder.

    """
    config = foreign_config.read(path := _config_of(folder))
    foreign_config.require(config, ("data", "trainer", "cv"), path)
    return _placed(foreign_config.as_text(config), folder)


def _placed(cfg: DictConfig, folder: Path) -> DictConfig:
    cfg.paths = {"run": references.literal(str(folder.resolve()))}
    return cfg


def _config_of(folder: Path) -> Path:
    path = untrusted_files.inside(folder, CONFIG)
    if not path.is_file() and untrusted_files.has(folder, ENSEMBLE):
        raise UserError(
            f"is an ensemble. Its scores are in {ENSEMBLE}, and predict.py takes it as a whole",
            code=Code.INCOMPATIBLE,
            key="run",
            value=folder,
            hint=f"Here give the run folder of one model, inside {folder / 'members'}.",
        )
    if not path.is_file():
        raise UserError(
            f"is not a run folder: {path} is missing",
            code=Code.NOT_FOUND,
            key="run",
            value=folder,
            hint="Give a folder that train.py wrote.",
        )
    return path
