"""A run goes on: its config is what it began with, and what was typed for it since."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf, open_dict

from quintet import begun, checkpoints, run_folder, secrets, typed_secrets
from quintet.errors import UserError
from quintet.record import CONFIG
from quintet.run_folder import GROUPS

FIXED = {*GROUPS, "seed", "cv", "experiment", "search_space"}
"""What a resumed run cannot change, because what it has learnt so far depends on it ..."""
MOVABLE = {"data.path", "data.on_device"}
"""... and what is only a matter of place; that the data is the same is checked."""


def resumed(cfg: DictConfig) -> DictConfig:
    """Return the config that the run in `cfg.resume` began with, plus what was typed for it since.

    Raises:
        UserError: an override would change one of the choices, or end the run before where it is.

    """
    from hydra.core.hydra_config import HydraConfig

    folder = Path(cfg.resume)
    first = begun.read(folder)
    saved = first.config
    typed_secrets.refuse_config(saved, folder)
    last = run_folder.load(folder) if (folder / CONFIG).is_file() else saved
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
