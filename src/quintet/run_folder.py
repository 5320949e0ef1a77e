"""A run folder is self-sufficient: its config, resolved, rebuilds everything in it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf, open_dict
from yaml import YAMLError

from quintet import begun, checkpoints, outputs, secrets
from quintet.console import typed
from quintet.errors import UserError
from quintet.files import sweep_up, write_atomically
from quintet.process import is_first_rank
from quintet.record import CONFIG, ENSEMBLE, RESULT, Record

GROUPS = ("metric", "loss", "init", "optimizer", "scheduler", "model", "data", "sweeper")
FIXED = {*GROUPS, "seed", "cv", "experiment", "search_space"}
"""What a resumed run cannot change, because what it has learnt so far depends on it ..."""
MOVABLE = {"data.path", "data.on_device"}
"""... and what is only a matter of place; that the data is the same is checked."""


def note_command(cfg: DictConfig) -> None:
    """Write the command's choices and overrides into the config itself."""
    from hydra.core.hydra_config import HydraConfig

    hydra = HydraConfig.get()
    with open_dict(cfg):
        chosen = hydra.runtime.choices
        cfg.choices = {group: chosen.get(group) for group in GROUPS if group in chosen}
        cfg.overrides = begun.as_typed(hydra.overrides.task)
        for group in GROUPS:  # ranges are for a sweep, which reads them from the options' files
            if isinstance(cfg.get(group), DictConfig):
                cfg[group].pop("search_space", None)


def begin(cfg: DictConfig) -> None:
    """Make a composed config a run's own, and leave what a resume needs in the run's folder.

    A folder that holds a run, or in which one trains, is left alone; `held` refuses it.
    """
    from hydra.core.hydra_config import HydraConfig

    folder = Path(HydraConfig.get().runtime.output_dir)
    taken = (folder / CONFIG).exists() or (begun.has_begun(folder) and trains(folder))
    if is_first_rank() and not cfg.resume and not taken:
        begun.write(cfg, folder)
    note_command(cfg)


@contextmanager
def held(cfg: DictConfig, folder: Path) -> Iterator[None]:
    """Keep a run folder to this process; the system frees it when the process ends, however.

    What a killed process left half-written there is removed.

    Raises:
        UserError: another process trains in it, or it holds a run and `resume=` was not asked for.

    """
    if not is_first_rank():
        yield
        return
    with _locked(folder):
        if not cfg.resume:
            check_free(folder)
        sweep_up(folder)
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
            f"Another process is training in {folder}. Wait for it to end, or choose another "
            "hydra.run.dir."
        ) from None
    except OSError:  # some network file systems lock no folders
        pass
    try:
        yield
    finally:
        os.close(descriptor)


def trains(folder: Path) -> bool:
    """Tell whether a process holds a run folder; see `held`. Taken for granted on Windows."""
    if sys.platform == "win32":
        return True
    try:
        with _locked(folder):
            return False
    except UserError:
        return True


def check_free(folder: Path) -> None:
    """Refuse a folder that already holds a run, or files that a run would overwrite.

    Raises:
        UserError: with the ways out.

    """
    if (folder / CONFIG).exists():
        raise UserError(
            f"{folder} already holds a run. Go on with it by resume={typed(folder)}, or choose "
            "another hydra.run.dir."
        )
    outputs.check_run_folder(folder)


def claim(cfg: DictConfig, folder: Path) -> None:
    """Save the resolved config, which makes the folder a run's.

    A record of an earlier session is no longer the run's last word, and says so.

    Raises:
        UserError: a resumed run's data is not what it was.

    """
    if not is_first_rank():
        return
    path = folder / CONFIG
    if path.exists() and (was := OmegaConf.load(path).facts.fingerprint) != cfg.facts.fingerprint:
        raise UserError(
            f"The data has changed since the run began: its fingerprint is "
            f"{cfg.facts.fingerprint}, the run's was {was}. Restore the data, or start a new run."
        )
    if cfg.resume and (folder / RESULT).is_file():
        Record.read(folder).goes_on().write(folder)
    write_atomically(path, OmegaConf.to_yaml(without_secrets(cfg)))


def without_secrets(cfg: DictConfig) -> DictConfig:
    """Return the config resolved, but for what comes from the environment.

    A reference to the environment stays a reference, however many others lead to it: so no secret
    is written down, and no path of one machine either.
    """
    keep = "${oc.env:%s}"
    OmegaConf.register_new_resolver(
        "oc.env", lambda *arguments: keep % ",".join(map(str, arguments)), replace=True
    )
    try:
        plain = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    finally:
        from omegaconf.resolvers import oc

        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
    return OmegaConf.create(plain)


def load(folder: Path) -> DictConfig:
    """Return a run's config with `paths.run` set to where the folder is now.

    Raises:
        UserError: the folder is not a run's.

    """
    path = folder / CONFIG
    if not path.is_file() and (folder / ENSEMBLE).is_file():
        raise UserError(
            f"run={folder} is an ensemble. Its scores are in {ENSEMBLE}, and predict.py takes it "
            f"as a whole; here give the run folder of one model, inside {folder / 'members'}."
        )
    if not path.is_file():
        raise UserError(
            f"run={folder} is no run folder: {path} is missing. "
            "Allowed: a folder that train.py wrote."
        )
    try:
        cfg = cast(DictConfig, OmegaConf.load(path))
    except YAMLError as error:
        raise UserError(f"{path} is no YAML, so the run cannot be rebuilt: {error}") from error
    cfg.paths.run = str(folder.resolve())
    secrets.note(path.read_text())
    return cfg


def resumed(cfg: DictConfig) -> DictConfig:
    """Return the config that the run in `cfg.resume` began with, plus what was typed for it since.

    Raises:
        UserError: an override would change one of the choices, or end the run before where it is.

    """
    from hydra.core.hydra_config import HydraConfig

    folder = Path(cfg.resume)
    first = begun.read(folder)
    saved = first.config
    last = load(folder) if (folder / CONFIG).is_file() else saved
    later = begun.as_typed(last.overrides)
    words = [word for word in later if word not in first.overrides]  # of earlier resumes
    keys = _keys(begun.as_typed(HydraConfig.get().overrides.task))
    if fixed := [k for k in keys if k.partition(".")[0] in FIXED and k not in MOVABLE]:
        raise UserError(
            f"resume={cfg.resume} goes on with the run's own choices; it cannot take "
            f"{fixed[0]}=. Leave it out, or start a new run with it."
        )
    for given, source in ((_keys(words), last), (keys, cfg)):
        for key in given:
            OmegaConf.update(saved, key, OmegaConf.select(source, key), force_add=True)
    with open_dict(saved):
        saved.resume = cfg.resume
        saved.choices = {g: first.choices[g] for g in GROUPS if g in first.choices}
        saved.overrides = _latest([*first.overrides, *words, *begun.as_typed(cfg.overrides)])
    saved.paths.run = cfg.paths.run
    check_length(saved, folder)
    secrets.note(OmegaConf.to_yaml(saved))
    return saved


def check_length(cfg: DictConfig, folder: Path) -> None:
    """Refuse to go on with a run that has more epochs behind it than it is to have.

    Raises:
        UserError: with how many.

    """
    epochs, done = cfg.trainer.max_epochs, checkpoints.epochs(folder)
    if isinstance(epochs, int) and 0 <= epochs < done:
        raise UserError(
            f"trainer.max_epochs={epochs} is less than the {done} epochs that the run in {folder} "
            f"has behind it. Give {done} or more, or start a new run."
        )


def _keys(words: list[str]) -> list[str]:
    """Return the keys and groups that overrides name."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parsed = OverridesParser.create().parse_overrides(words)
    return [o.key_or_group for o in parsed if o.key_or_group != "resume"]


def _latest(words: list[str]) -> list[str]:
    """Return the last override of each key, in the order in which they were typed."""
    found: dict[str, str] = {}
    for word in words:
        key = word.partition("=")[0]
        found.pop(key, None)
        found[key] = word
    return [*found.values()]
